// /retained and /retained-tree: retained messages, in a list, by topic, and level by level.
#include "ledge/auth/hmac.hpp"
#include "ledge/base/base64.hpp"
#include "ledge/base/code_point.hpp"
#include "ledge/journal/publication.hpp"
#include "ledge/topic/name.hpp"
#include "ledge/wire/properties.hpp"
#include "publishing.hpp"
#include "question_answer.hpp"
#include "resources.hpp"

namespace ledge::admin {
namespace {

/// The beginning of a payload may end within a character: then the rest of the character is left out.
std::string_view shown_text(std::string_view payload) {
    std::string_view text = payload;
    for (int cut = 0; cut < 4 && !text.empty() && !is_utf8(text); ++cut) text.remove_suffix(1);
    return is_utf8(text) ? text : payload;
}

void write_retained(ApiRequest& request, broker::RetainedQuestion& question) {
    JsonWriter body;
    body.begin_list("retained");
    for (const broker::RetainedFacts& facts : question.messages) {
        const bool is_cut = facts.payload_bytes > facts.payload.size();
        body.begin_object();
        body.text("topic", facts.topic);
        body.number("qos", static_cast<std::uint64_t>(facts.qos));
        body.number("payload_bytes", std::uint64_t{facts.payload_bytes});
        add_payload(body, is_cut ? shown_text(facts.payload) : facts.payload);
        body.boolean("truncated", is_cut);
        if (facts.expires_in) body.number("expires_in_s", in_seconds(*facts.expires_in));
        body.end_object();
    }
    body.end_list();
    add_cursor(body, question.next);
    request.answer(body);
}

void write_tree(ApiRequest& request, broker::RetainedTreeQuestion& question) {
    JsonWriter body;
    body.begin_list("children");
    const std::size_t begin = question.below.empty() ? 0 : question.below.size() + 1;
    for (const broker::RetainedChild& child : question.children) {
        body.begin_object();
        body.text("level", std::string_view(child.topic).substr(begin));
        body.text("topic", child.topic);
        body.boolean("has_message", child.has_message);
        body.number("descendants", child.descendants);
        body.end_object();
    }
    body.end_list();
    add_cursor(body, question.next);
    request.answer(body);
}

void add_properties(JsonWriter& body, const wire::Properties& properties) {
    body.begin_object("properties");
    if (const auto text = properties.text(wire::PropertyId::content_type)) body.text("content_type", *text);
    if (const auto text = properties.text(wire::PropertyId::response_topic)) body.text("response_topic", *text);
    if (const auto bytes = properties.text(wire::PropertyId::correlation_data))
        body.text("correlation_data_base64", encode_base64(as_bytes(*bytes)));
    body.begin_list("user_properties");
    for (auto property = properties.begin(); property != properties.end(); ++property) {
        if (property->id != wire::PropertyId::user_property) continue;
        body.begin_list();
        body.element(property->name);
        body.element(property->text);
        body.end_list();
    }
    body.end_list();
    body.end_object();
}

/// The same for the same content, whatever the broker has done meanwhile.
std::string tag_of(std::string_view body) {
    const auto digest = auth::sha256(as_bytes(body));
    constexpr std::string_view digits = "0123456789abcdef";
    std::string tag = "\"";
    for (std::size_t i = 0; i < 12; ++i) {
        tag += digits[digest[i] >> 4U];
        tag += digits[digest[i] & 0xFU];
    }
    return tag + '"';
}

}  // namespace

void list_retained(Site& site, ApiRequest request) {
    broker::RetainedQuestion question;
    question.filter = request.query("filter").value_or("#");
    question.after = query_cursor(request);
    question.count_max = request.query_limit();
    if (!topic::is_valid_filter(question.filter, topic::levels_hard_max) || topic::parse_shared(question.filter))
        request.complain("filter", "filter is not a topic filter, or a shared one");
    if (request.refuse_if_wrong()) return;
    answer_question(site, std::move(request), std::move(question), write_retained);
}

void get_retained_tree(Site& site, ApiRequest request) {
    broker::RetainedTreeQuestion question;
    question.below = request.query("below").value_or("");
    question.after = query_cursor(request);
    question.count_max = request.query_limit();
    // The topic plus "/#" must be a filter too.
    if (!question.below.empty() && !topic::is_valid_topic(question.below, topic::levels_hard_max - 1))
        request.complain("below", "below is not a topic name without wildcards");
    if (request.refuse_if_wrong()) return;
    answer_question(site, std::move(request), std::move(question), write_tree);
}

void get_retained(Site& site, ApiRequest request) {
    if (request.refuse_if_wrong()) return;
    const journal::Publication publication = site.shard().inspector().retained(request.path("topic"));
    if (!publication) return request.refuse(404, "no message is retained for this topic");
    const journal::PublicationView view = publication.view();
    JsonWriter body;
    body.text("topic", view.topic);
    body.number("qos", static_cast<std::uint64_t>(view.qos));
    add_payload(body, as_text(view.payload));
    add_properties(body, wire::Properties(view.properties, ~std::uint64_t{0}));
    // The remaining time changes all the time, so it has no part in the tag.
    transport::HttpAnswer answer{.content_type = json_type, .cache_control = "no-cache"};
    JsonWriter tagged = body;
    answer.etag = tag_of(tagged.finish());
    if (view.expires_at != never) body.number("expires_in_s", seconds_until(view.expires_at, site.now()));
    answer.body = body.finish();
    request.answer(std::move(answer));
}

void put_retained(Site& site, ApiRequest request) {
    const std::string topic = request.path("topic");
    check_topic(request, topic, "topic");
    const std::string payload = payload_of(request);
    if (payload.empty()) request.complain("payload", "an empty payload is not retained; DELETE removes the message");
    const auto qos = static_cast<wire::QoS>(request.number("qos", publish_qos_levels).value_or(1));
    const auto expiry = request.number("expiry_interval_s", publish_expiry_seconds);
    if (request.refuse_if_wrong()) return;
    const Instant expires_at = expiry ? add_seconds(site.now(), static_cast<std::int64_t>(*expiry)) : never;
    publish_and_answer(site, std::move(request), {topic, as_bytes(payload), {}, expires_at, qos, true, {}}, false);
}

void remove_retained(Site& site, ApiRequest request) {
    const std::string topic = request.path("topic");
    check_topic(request, topic, "topic");
    if (request.refuse_if_wrong()) return;
    if (!site.shard().inspector().retained(topic)) return request.refuse(404, "no message is retained for this topic");
    // [MQTT-3.3.1-6] An empty payload removes the message.
    publish_and_answer(site, std::move(request), {topic, {}, {}, never, wire::QoS::at_least_once, true, {}}, false);
}

}  // namespace ledge::admin
