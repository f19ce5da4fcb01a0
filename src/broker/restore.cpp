// Lifecycle: restores sessions from the store at the start. A row that cannot be read is left out and logged; it never
// stops the start.
#include <algorithm>

#include "ledge/auth/identity.hpp"
#include "ledge/auth/login_guard.hpp"
#include "ledge/journal/image.hpp"
#include "ledge/journal/record.hpp"
#include "ledge/journal/records.hpp"
#include "ledge/session/inner_clients.hpp"
#include "ledge/session/listener_options.hpp"
#include "lifecycle.hpp"

namespace ledge::broker {

namespace {
Bytes bytes_of(const std::vector<Byte>& body) { return {body.data(), body.size()}; }
}  // namespace

void Lifecycle::restore(const journal::StoredSession& stored, Instant now) {
    auto record = journal::parse_session(bytes_of(stored.record));
    if (!record || (!record->is_will_only && sessions_.find(record->client_id) != nullptr)) {
        services_.log.error("stored_session_unreadable", {{"number", stored.number.value()}});
        return ended_queues_.push_back({stored.number, stored.first_queued, no_ticket});
    }
    // The broker ended before all rows of the queue were removed; the removal goes on.
    if (record->is_ended) return ended_queues_.push_back({stored.number, stored.first_queued, no_ticket});
    // The session ends with this start, but its will has to be published later, by restore_wills().
    if (record->will && record->expiry_interval_s == 0) {
        wills_alone_.push_back({record->is_will_only ? stored.number : no_session, std::string(record->client_id),
                                std::string(record->owner), record->network, std::move(*record->will),
                                record->will_due});
        record->will.reset();
    }
    if (record->is_will_only) return;
    session::Session& session = create(record->client_id, limits_of_restored(record->client_id));
    session.expiry_interval_s = record->expiry_interval_s;
    // The guard must know which names own stored sessions.
    if (!record->owner.empty()) services_.guard.note_name(record->owner);
    set_owner(session, record->owner);
    session.charge_to(services_.accounts.of(record->owner, record->network));
    session.record().restore(stored.number, bytes_of(stored.record), record->expires_at);
    session.queue().restore(stored.last_queued, stored.last_live, record->progress);
    session.is_incomplete = record->is_incomplete;
    if (is_of_removed_bridge(record->client_id))
        leave(session, stored);
    else
        for (const journal::StoredRow& row : stored.subscriptions) restore_subscription(session, row);
    for (const std::uint16_t id : stored.received) session.received.insert(id);
    restore_queue(session, stored);

    session.note_offline();
    session.note_change(now);
    // A client that was connected has lost its connection by the end of the broker: its expiry begins now. The record
    // gets the end that follows from the first start, so that further starts do not begin the expiry anew.
    if (record->expiry_interval_s == 0) {
        session.expires_at = now;
        return services_.timers.set(session.expiry_timer, now);
    }
    const bool is_endless = record->expiry_interval_s == session::expiry_never;
    if (!is_endless) {
        session.expires_at = std::min(record->expires_at, add_seconds(now, record->expiry_interval_s));
        services_.timers.set(session.expiry_timer, session.expires_at);
    }
    const bool is_end_unrecorded = !is_endless && record->expires_at == never;
    const bool is_will_unrecorded = record->will && record->will_due == never;
    // The record was written while the client was connected, so it leaves open which rows were sent. It is written
    // again: rows that come from now on are known not to be sent.
    const bool is_in_doubt = is_endless && record->progress.doubted_until == journal::SendingProgress::unknown;
    if (record->will) restore_will(session, std::move(*record->will), record->will_due, now);
    const bool is_loss_unrecorded = session.is_incomplete && !record->is_incomplete;
    if (is_end_unrecorded || is_will_unrecorded || is_in_doubt || is_loss_unrecorded)
        session.record_disconnection(session.expires_at, journal::Urgency::lazy);
}

/// Makes a session. The queue of an inner client has the rules of the client's own listener.
session::Session& Lifecycle::create(std::string_view client_id, const session::SessionLimits& limits) {
    session::Session& session = sessions_.create(services_.for_sessions, client_id, limits);
    const session::ListenerOptions* const own = listener_of(client_id);
    if (own != nullptr && own->queue_rules) session.queue().use_rules(*own->queue_rules);
    return session;
}

void Lifecycle::note_changed_rules(const session::ListenerOptions& listener, bool has_other_last_value) {
    LEDGE_ASSERT(listener.queue_rules.has_value());
    session::Session* const session = sessions_.find(session::client_id_of_listener(listener.name));
    if (session == nullptr) return;
    session::SessionQueue& queue = session->queue();
    if (queue.rules() == nullptr)
        queue.use_rules(*listener.queue_rules);  // the broker was started without this bridge
    else
        queue.note_changed_rules(has_other_last_value);
}

/// The listener that stands for the bridge, or other part of the program, with this client identifier; nullptr = the
/// configuration has no such part.
const session::ListenerOptions* Lifecycle::listener_of(std::string_view client_id) const {
    if (!session::belongs_to_program(client_id)) return nullptr;
    const auto found =
        std::ranges::find(listeners_, session::listener_of_inner(client_id), &session::ListenerOptions::name);
    return found == listeners_.end() ? nullptr : &*found;
}

/// For the session of a removed bridge. Its messages stay, but its subscriptions end, and their records too: nobody
/// would take the messages that they bring. So the bridge, if it returns, finds no subscriptions and knows that it owes
/// the upstream the retained messages, which may have changed meanwhile.
void Lifecycle::leave(session::Session& session, const journal::StoredSession& stored) {
    for (const journal::StoredRow& row : stored.subscriptions) {
        const auto number = static_cast<std::uint32_t>(row.number);
        session.last_subscription_number = std::max(session.last_subscription_number, number);
        services_.journal.drop(journal::RecordKind::subscription, session.number(), row.number, journal::Urgency::lazy);
    }
    const std::string& client_id = session.client_id();
    if (listener_of(client_id) != nullptr)
        services_.log.info("bridge_priority_left", {{"client_id", client_id}, {"messages", stored.queued}});
    else
        services_.log.warning("bridge_session_left", {{"client_id", client_id}, {"messages", stored.queued}});
}

bool Lifecycle::is_of_removed_bridge(std::string_view client_id) const {
    if (!session::belongs_to_program(client_id)) return false;
    const session::ListenerOptions* const own = listener_of(client_id);
    return own == nullptr || (own->queue_rules && own->queue_rules->only_empties);
}

/// Until the client connects again, its listener is not known, unless the client is a bridge.
const session::SessionLimits& Lifecycle::limits_of_restored(std::string_view client_id) const {
    const session::ListenerOptions* const own = listener_of(client_id);
    return own != nullptr ? own->limits : listeners_.front().limits;
}

// An empty `owner` leaves the session without one: any client may resume it.
void Lifecycle::set_owner(session::Session& session, std::string_view owner) {
    if (owner.empty()) return;
    auto identity = std::make_unique<auth::Identity>();
    identity->user = std::string(owner);
    // Only a part of the program has had a session with such an identifier, so its proof needs no login.
    if (session::belongs_to_program(session.client_id())) identity->proof = auth::Proof::program;
    session.set_identity(std::move(identity));
}

void Lifecycle::restore_subscription(session::Session& session, const journal::StoredRow& row) {
    const auto subscription = journal::parse_subscription(bytes_of(row.body));
    if (subscription && subscriptions_.restore(session, *subscription, static_cast<std::uint32_t>(row.number)))
        return feeds_.restore(session, *subscription);
    // The row is unreadable, or it is a second one with the same filter, and nobody knows on which of the two the
    // client relies. So the client has to subscribe anew: see renew().
    session.is_incomplete = true;
    services_.log.error("stored_subscription_unusable", {{"client_id", session.client_id()}, {"row", row.number}});
    services_.journal.drop(journal::RecordKind::subscription, session.number(), row.number, journal::Urgency::lazy);
}

// All rows form one queue in the order of their numbers, whether they were sent or not [MQTT-4.6.0-1]. An exception are
// the exchanges of an older release, which gave packet ids in the order of sending. They come before all other rows,
// because their position among these is not known.
void Lifecycle::restore_queue(session::Session& session, const journal::StoredSession& stored) {
    const bool has_own_ids = std::ranges::all_of(stored.inflight, [&](const journal::StoredRow& row) {
        const auto record = journal::parse_queued(bytes_of(row.body));
        return record && session.queue().is_own_id(QueueRow(row.number), record->packet_id);
    });
    if (!has_own_ids) return restore_exchanges(session, stored);
    const std::uint64_t rows = std::max<std::uint64_t>(stored.queued, stored.inflight.size());
    session.queue().restore_rows(rows, stored.queued_bytes, stored.first_queued);
}

// For the exchanges of the older release: opens each of them, the rest of the rows becomes the queue.
void Lifecycle::restore_exchanges(session::Session& session, const journal::StoredSession& stored) {
    std::uint64_t bytes = stored.queued_bytes;
    for (const journal::StoredRow& row : stored.inflight) {
        const auto record = journal::parse_queued(bytes_of(row.body));
        if (!record) continue;
        session::Delivery delivery;
        delivery.message = record->message;
        delivery.qos = record->qos;
        delivery.retain = record->retain;
        delivery.ids.add_all(record->ids);
        bytes -= std::min<std::uint64_t>(bytes, record->bytes);
        if (session.queue().restore_exchange(QueueRow(row.number), std::move(delivery), record->state,
                                             record->packet_id))
            continue;
        session.is_incomplete = true;
        services_.log.error("stored_exchange_unusable", {{"client_id", session.client_id()}, {"row", row.number}});
    }
    const std::uint64_t waiting = stored.queued - std::min<std::uint64_t>(stored.queued, stored.inflight.size());
    session.queue().restore_rows(waiting, bytes, stored.first_queued);
}

}  // namespace ledge::broker
