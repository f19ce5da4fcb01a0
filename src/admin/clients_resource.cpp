// /clients: sessions, connected and offline, and what an operator does with them.
#include "client_json.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/broker/client_facts.hpp"
#include "ledge/broker/metrics.hpp"
#include "ledge/broker/operator_actions.hpp"
#include "ledge/session/ending_log.hpp"
#include "ledge/session/session.hpp"
#include "ledge/transport/link.hpp"
#include "question_answer.hpp"
#include "resources.hpp"

namespace ledge::admin {
namespace {

constexpr std::string_view unknown_client = "no session has this client id";

std::string_view protocol_name(std::optional<wire::Version> version) {
    if (!version) return "";
    switch (*version) {
        case wire::Version::v3_1: return "3.1";
        case wire::Version::v3_1_1: return "3.1.1";
        case wire::Version::v5: return "5";
    }
    return "";
}

std::string_view waiting_name(broker::Waiting waiting) {
    switch (waiting) {
        case broker::Waiting::nothing: return "nothing";
        case broker::Waiting::client: return "client";
        case broker::Waiting::commit: return "commit";
        case broker::Waiting::receive_maximum: return "receive_maximum";
        case broker::Waiting::socket: return "socket";
    }
    return "";
}

std::string_view state_name(journal::OutState state) {
    switch (state) {
        case journal::OutState::sent_qos1: return "waits_for_puback";
        case journal::OutState::sent_qos2: return "waits_for_pubrec";
        case journal::OutState::released: return "waits_for_pubcomp";
        case journal::OutState::done: break;
    }
    return "done";
}

void add_subscription(JsonWriter& body, const broker::SubscriptionFacts& facts) {
    body.text("filter", facts.filter);
    body.number("qos", static_cast<std::uint64_t>(facts.qos));
    body.number("id", std::uint64_t{facts.id});
    body.boolean("no_local", facts.no_local);
    body.boolean("retain_as_published", facts.retain_as_published);
    body.number("retain_handling", static_cast<std::uint64_t>(facts.retain_handling));
}

void add_losses(JsonWriter& body, const session::QueueLosses& losses) {
    body.begin_object("dropped_by_reason");
    body.number("queue_full", losses.queue_full);
    body.number("refused", losses.refused);
    body.number("memory", losses.memory);
    body.number("slow_reader", losses.slow_reader);
    body.number("expired", losses.expired);
    body.number("replaced", losses.replaced);
    body.number("unreadable", losses.unreadable);
    body.number("cleared", losses.cleared);
    body.end_object();
}

void add_transport(JsonWriter& body, const broker::ClientFacts& facts) {
    if (facts.link == nullptr) return;
    const transport::LinkFacts link = transport::Link::of(*facts.link).facts();
    body.text("transport", link.transport == "tcp" && facts.address == "unix" ? "unix" : link.transport);
    if (link.tls_version.empty()) return;
    body.begin_object("tls");
    body.text("version", link.tls_version);
    body.text("cipher", link.tls_cipher);
    body.end_object();
}

void add_connection(JsonWriter& body, const broker::ClientFacts& facts) {
    add_transport(body, facts);
    body.number("keep_alive_s", std::uint64_t{facts.keep_alive_s});
    body.boolean("clean_start", facts.is_clean_start);
    body.number("receive_maximum", std::uint64_t{facts.receive_maximum});
    body.number("max_packet_bytes", std::uint64_t{facts.packet_size_max});
    body.number("topic_alias_max", std::uint64_t{facts.topic_alias_max});
}

void add_rest(JsonWriter& body, const broker::ClientFacts& facts, Instant now) {
    if (facts.session_expiry_s != session::expiry_never)
        body.number("session_expiry_s", std::uint64_t{facts.session_expiry_s});
    if (facts.is_connected) add_connection(body, facts);
    body.begin_object("totals");
    body.number("publish_received", facts.traffic.publish_received);
    body.number("publish_sent", facts.traffic.publish_sent);
    body.number("bytes_received", facts.traffic.bytes_received);
    body.number("bytes_sent", facts.traffic.bytes_sent);
    body.end_object();
    if (facts.will) {
        body.begin_object("will");
        body.text("topic", facts.will->topic);
        body.number("qos", static_cast<std::uint64_t>(facts.will->qos));
        body.boolean("retain", facts.will->retain);
        body.number("delay_s", std::uint64_t{facts.will->delay_s});
        body.end_object();
    }
    add_losses(body, facts.losses);
    body.begin_list("inflight_out");
    for (const broker::ClientFacts::Exchange& exchange : facts.inflight_out) {
        body.begin_object();
        body.number("packet_id", std::uint64_t{exchange.packet_id});
        body.text("state", state_name(exchange.state));
        body.end_object();
    }
    body.end_list();
    body.number("inflight_in", std::uint64_t{facts.inflight_in});
    body.text("waits_for", waiting_name(facts.waits_for));
    if (facts.last_disconnect == nullptr) return;
    body.begin_object("last_disconnect");
    body.text("reason", facts.last_disconnect->reason);
    if (facts.last_disconnect->code)
        body.number("reason_code", static_cast<std::uint64_t>(*facts.last_disconnect->code));
    body.number("age_s", in_seconds(now - facts.last_disconnect->at));
    body.end_object();
}

void write_clients(ApiRequest& request, broker::ClientsQuestion& question) {
    JsonWriter body;
    body.begin_list("clients");
    for (const broker::SessionFacts& facts : question.clients) {
        body.begin_object();
        add_client(body, facts);
        body.end_object();
    }
    body.end_list();
    add_cursor(body, question.next);
    request.answer(body);
}

void write_subscriptions(ApiRequest& request, broker::SubscriptionsQuestion& question) {
    if (question.is_unknown) return request.refuse(404, unknown_client);
    JsonWriter body;
    body.begin_list("subscriptions");
    for (const broker::SubscriptionFacts& facts : question.subscriptions) {
        body.begin_object();
        add_subscription(body, facts);
        body.end_object();
    }
    body.end_list();
    add_cursor(body, question.next);
    request.answer(body);
}

/// The traffic of a client at a moment.
struct TrafficSample {
    session::Traffic traffic;
    Instant at;
};

/// The mean rates between the two samples. The client may have begun a new session meanwhile, whose totals are lower.
void add_rates(JsonWriter& body, const TrafficSample& before, const TrafficSample& after) {
    const double seconds = std::chrono::duration<double>(after.at - before.at).count();
    LEDGE_ASSERT(seconds > 0);
    const auto add = [&](std::string_view name, std::uint64_t session::Traffic::*total) {
        const std::uint64_t first = before.traffic.*total;
        const std::uint64_t last = after.traffic.*total;
        body.number(name, last < first ? 0.0 : static_cast<double>(last - first) / seconds);
    };
    body.begin_object("rates");
    add("publish_received_per_s", &session::Traffic::publish_received);
    add("publish_sent_per_s", &session::Traffic::publish_sent);
    add("bytes_received_per_s", &session::Traffic::bytes_received);
    add("bytes_sent_per_s", &session::Traffic::bytes_sent);
    body.end_object();
}

/// `before`: nullopt = the request does not ask for rates.
void write_client(ApiRequest& request, const broker::ClientFacts& facts, broker::SubscriptionsQuestion& question,
                  const std::optional<TrafficSample>& before, Instant now) {
    JsonWriter body;
    add_client(body, facts);
    add_rest(body, facts, now);
    if (before) add_rates(body, *before, {facts.traffic, now});
    body.begin_list("subscriptions_first");
    for (const broker::SubscriptionFacts& one : question.subscriptions) {
        body.begin_object();
        add_subscription(body, one);
        body.end_object();
    }
    body.end_list();
    request.answer(body);
}

/// One client in detail. Its first subscriptions may take several turns, and rates take the time of the measurement.
class ClientAnswer final : public Ongoing {
public:
    /// `measured`: how long the rates are measured; 0 = no rates.
    ClientAnswer(Site& site, ApiRequest request, Duration measured)
        : site_(site), request_(std::move(request)), measured_(measured) {
        question_.client_id = request_.path("id");
        question_.count_max = 20;
    }
    std::optional<Instant> go_on(Instant) override {
        if (!request_.is_open()) return std::nullopt;
        const Instant now = site_.now();
        const broker::Inspector inspector = site_.shard().inspector();
        if (measured_ > Duration{}) {
            const auto facts = inspector.client(question_.client_id);
            if (facts) before_ = TrafficSample{facts->traffic, now};
            return now + std::exchange(measured_, Duration{});
        }
        if (!inspector.step(question_)) return now;
        const auto facts = inspector.client(question_.client_id);
        if (!facts)
            request_.refuse(404, unknown_client);
        else
            write_client(request_, *facts, question_, before_, now);
        return std::nullopt;
    }

private:
    Site& site_;
    ApiRequest request_;
    Duration measured_;
    std::optional<TrafficSample> before_;
    broker::SubscriptionsQuestion question_;
};

/// Goes on although the peer has gone: half a queue would be no answer to anybody.
class QueueRemoval final : public Ongoing {
public:
    QueueRemoval(Site& site, ApiRequest request) : site_(site), request_(std::move(request)) {
        clearing_.client_id = request_.path("id");
    }
    std::optional<Instant> go_on(Instant now) override {
        const std::uint64_t before = clearing_.messages;
        constexpr Duration pause = 2ms;
        if (!site_.shard().clear_queue(clearing_, now)) {
            if (clearing_.messages != before) return now;
            // Without progress, only a commit helps. While the store is full none comes, and the peer has got 504.
            if (request_.is_open()) return now + pause;
            request_.refuse(504, "the queue is not cleared, because the store commits nothing");
            return std::nullopt;
        }
        if (clearing_.is_unknown) {
            request_.refuse(404, unknown_client);
        } else {
            JsonWriter body;
            body.number("messages", clearing_.messages);
            request_.answer(body);
        }
        return std::nullopt;
    }

private:
    Site& site_;
    ApiRequest request_;
    broker::QueueClearing clearing_;
};

}  // namespace

void add_client(JsonWriter& body, const broker::SessionFacts& facts) {
    body.text("client_id", facts.client_id);
    body.text("user", facts.owner);
    if (facts.is_connected) {
        body.text("address", facts.address);
        body.text("listener", facts.listener);
        body.text("protocol", protocol_name(facts.version));
    }
    body.boolean("connected", facts.is_connected);
    body.number(facts.is_connected ? "connected_s" : "offline_s", in_seconds(facts.since));
    body.number("subscriptions", std::uint64_t{facts.subscriptions});
    body.begin_object("queue");
    body.number("messages", std::uint64_t{facts.waiting()});
    body.number("bytes", facts.waiting_bytes);
    if (facts.queue_age) body.number("age_s", in_seconds(*facts.queue_age));
    body.end_object();
    body.number("inflight", std::uint64_t{facts.inflight});
    body.number("dropped", facts.dropped);
    if (facts.expires_in) body.number("expires_in_s", in_seconds(*facts.expires_in));
}

void list_clients(Site& site, ApiRequest request) {
    broker::ClientsQuestion question;
    question.after = query_cursor(request);
    question.count_max = request.query_limit();
    question.filter.client_id = request.query("client_id").value_or("");
    question.filter.user = request.query("user").value_or("");
    question.filter.address = request.query("address").value_or("");
    question.filter.listener = request.query("listener").value_or("");
    const std::string state = request.query_word("state", {"connected", "offline"}, "");
    if (!state.empty()) question.filter.is_connected = state == "connected";
    const std::string order = request.query_word("order", {"client_id", "queue", "dropped"}, "client_id");
    if (order == "queue") question.order = broker::ClientOrder::queue;
    if (order == "dropped") question.order = broker::ClientOrder::dropped;
    if (request.refuse_if_wrong()) return;
    answer_question(site, std::move(request), std::move(question), write_clients);
}

void get_client(Site& site, ApiRequest request) {
    constexpr NumberRange seconds{0, 10};
    const auto measured = std::chrono::seconds(request.query_number("rate_s", seconds, 0));
    if (request.refuse_if_wrong()) return;
    site.ongoing.begin(std::make_unique<ClientAnswer>(site, std::move(request), measured), site.now());
}

void list_subscriptions(Site& site, ApiRequest request) {
    broker::SubscriptionsQuestion question;
    question.client_id = request.path("id");
    question.after = query_cursor(request);
    question.count_max = request.query_limit();
    if (request.refuse_if_wrong()) return;
    answer_question(site, std::move(request), std::move(question), write_subscriptions);
}

void kick_client(Site& site, ApiRequest request) {
    if (request.refuse_if_wrong()) return;
    switch (site.shard().kick(request.path("id"), site.now())) {
        case broker::Kicked::done: return request.done();
        case broker::Kicked::offline: return request.refuse(409, "the client is not connected");
        case broker::Kicked::unknown: return request.refuse(404, unknown_client);
    }
}

void remove_client(Site& site, ApiRequest request) {
    if (request.refuse_if_wrong()) return;
    // The failed store keeps the row, so a restart would bring the session back.
    if (site.shard().metrics().is_store_failed)
        return request.refuse(503, "the store has failed, so the removed session would come back after a restart");
    if (!site.shard().remove_session(request.path("id"), site.now())) return request.refuse(404, unknown_client);
    request.done();
}

void clear_client_queue(Site& site, ApiRequest request) {
    if (request.refuse_if_wrong()) return;
    site.ongoing.begin(std::make_unique<QueueRemoval>(site, std::move(request)), site.now());
}

}  // namespace ledge::admin
