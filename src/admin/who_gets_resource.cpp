// /who-gets: the subscriptions that a message on a topic finds. /shares: the groups of shared subscriptions.
#include "ledge/topic/name.hpp"
#include "question_answer.hpp"
#include "resources.hpp"

namespace ledge::admin {
namespace {

constexpr NumberRange payload_sizes{0, 256ULL * 1024 * 1024};
constexpr NumberRange qos_levels{0, 2};

void write_receivers(ApiRequest& request, broker::ReceiversQuestion& question) {
    JsonWriter body;
    body.text("topic", question.topic);
    body.begin_list("subscribers");
    for (const broker::TopicReceiver& one : question.receivers) {
        body.begin_object();
        body.text("client_id", one.client_id);
        body.text("filter", one.filter);
        body.number("qos", static_cast<std::uint64_t>(one.qos));
        if (!one.share.empty()) body.text("share", one.share);
        body.boolean("connected", one.is_connected);
        if (one.is_connected) body.text("listener", one.listener);
        body.boolean("would_get", one.why_not.empty());
        if (!one.why_not.empty()) body.text("why_not", one.why_not);
        body.end_object();
    }
    body.end_list();
    body.boolean("retained", question.is_retained);
    add_cursor(body, question.next);
    request.answer(body);
}

void write_shares(ApiRequest& request, broker::SharesQuestion& question) {
    JsonWriter body;
    body.begin_list("shares");
    for (const broker::ShareFacts& facts : question.shares) {
        body.begin_object();
        body.text("share", facts.share);
        body.text("filter", facts.filter);
        body.text("strategy", question.strategy);
        body.begin_list("members");
        for (const broker::ShareMember& member : facts.members) {
            body.begin_object();
            body.text("client_id", member.client_id);
            body.boolean("connected", member.is_connected);
            body.end_object();
        }
        body.end_list();
        body.number("members_count", std::uint64_t{facts.members_count});
        body.number("messages_waiting", facts.messages_waiting);
        body.end_object();
    }
    body.end_list();
    add_cursor(body, question.next);
    request.answer(body);
}

}  // namespace

void list_receivers(Site& site, ApiRequest request) {
    broker::ReceiversQuestion question;
    question.topic = request.query("topic").value_or("");
    question.publisher = request.query("publisher").value_or("");
    question.qos = static_cast<wire::QoS>(request.query_number("qos", qos_levels, 1));
    question.payload_bytes = request.query_number("payload_bytes", payload_sizes, 0);
    question.after = query_cursor(request);
    question.count_max = request.query_limit();
    if (!topic::is_valid_topic(question.topic, topic::levels_hard_max))
        request.complain("topic", "topic is needed: a topic name without wildcards");
    if (request.refuse_if_wrong()) return;
    answer_question(site, std::move(request), std::move(question), write_receivers);
}

void list_shares(Site& site, ApiRequest request) {
    broker::SharesQuestion question;
    question.after = query_cursor(request);
    question.count_max = request.query_limit();
    if (question.after.find_first_not_of("0123456789") != std::string::npos || question.after.size() > 9)
        request.complain("after", "after is not the member next of an earlier answer");
    if (request.refuse_if_wrong()) return;
    answer_question(site, std::move(request), std::move(question), write_shares);
}

}  // namespace ledge::admin
