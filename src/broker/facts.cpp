#include "facts.hpp"

#include <algorithm>

#include "ledge/journal/records.hpp"
#include "ledge/session/connection.hpp"
#include "ledge/session/ending_log.hpp"
#include "ledge/session/listener_options.hpp"
#include "ledge/session/queue_losses.hpp"
#include "subscriber_list.hpp"

namespace ledge::broker {

namespace {

std::optional<Duration> age_of_oldest(const session::SessionQueue& queue, Instant now) {
    const session::Delivery* oldest = queue.inflight().oldest();
    // The tail in the store comes first, and its rows have no time in memory.
    if (oldest == nullptr && queue.pending().has_loaded() && !queue.pending().is_tail_next())
        oldest = &queue.pending().front();
    if (oldest == nullptr || oldest->queued_s == 0) return std::nullopt;
    return std::max(now - Instant(std::chrono::seconds(oldest->queued_s)), Duration{});
}

Waiting waiting_of(const session::Session& session) {
    const session::SessionQueue& queue = session.queue();
    if (queue.pending().empty() && !queue.inflight().has_unsent()) return Waiting::nothing;
    if (!session.is_online()) return Waiting::client;
    const session::Connection& connection = *session.connection();
    if (!connection.sender().has_room()) return Waiting::socket;
    return connection.has_send_quota() ? Waiting::commit : Waiting::receive_maximum;
}

void add_connection_facts(const session::Connection& connection, ClientFacts& facts) {
    facts.keep_alive_s = connection.keep_alive_s();
    facts.is_clean_start = connection.peer().is_clean_start;
    facts.receive_maximum = connection.peer().receive_maximum;
    facts.packet_size_max = connection.peer().packet_size_max;
    facts.topic_alias_max = connection.sender().topic_alias_max();
    facts.inflight_in = connection.receiver().unreleased();
    facts.traffic.bytes_sent += connection.outbox().consumed();
    facts.link = connection.link();
}

}  // namespace

SessionFacts facts_of(const session::Session& session, Instant now) {
    SessionFacts facts;
    facts.client_id = session.client_id();
    facts.owner = session.owner();
    if (const session::Connection* const connection = session.connection()) {
        facts.is_connected = true;
        facts.address = connection->peer().address;
        facts.listener = connection->peer().listener.name;
        facts.version = connection->peer().version;
    }
    facts.since = std::max(now - Instant(std::chrono::seconds(session.changed_s)), Duration{});
    const session::SessionQueue& queue = session.queue();
    facts.subscriptions = session.subscriptions.size();
    facts.messages = queue.size();
    facts.inflight = queue.inflight().size();
    facts.waiting_bytes = queue.pending().bytes();
    facts.queue_age = age_of_oldest(queue, now);
    facts.dropped = queue.losses() == nullptr ? 0 : queue.losses()->lost();
    if (session.expires_at != never) facts.expires_in = std::max(session.expires_at - now, Duration{});
    return facts;
}

ClientFacts client_facts_of(session::Session& session, const session::EndingLog& endings, Instant now) {
    ClientFacts facts;
    static_cast<SessionFacts&>(facts) = facts_of(session, now);
    facts.session_expiry_s = session.expiry_interval_s;
    facts.traffic = session.traffic;
    if (const session::QueueLosses* const losses = session.queue().losses()) facts.losses = *losses;
    if (session.will != nullptr) {
        const journal::PublicationView will = session.will->publication.view();
        facts.will = ClientFacts::Will{will.topic, will.qos, will.retain, session.will->delay_s};
    }
    session.queue().inflight().for_each([&](wire::PacketId id, const session::Inflight::Entry& entry) {
        if (facts.inflight_out.size() < ClientFacts::exchanges_shown_max)
            facts.inflight_out.push_back({id, entry.state});
    });
    facts.waits_for = waiting_of(session);
    facts.last_disconnect = endings.last_disconnect(session.client_id());
    if (session.is_online()) add_connection_facts(*session.connection(), facts);
    return facts;
}

SubscriptionFacts facts_of(const Subscriber& subscriber, std::string filter) {
    return {std::move(filter),
            subscriber.subscription_id,
            subscriber.options.qos,
            subscriber.options.no_local,
            subscriber.options.retain_as_published,
            subscriber.options.retain_handling};
}

}  // namespace ledge::broker
