// A shard continues with what a store remembers. What does not read is left out and said, it never stops a start.
#include "ledge/session/records.hpp"
#include "lifecycle.hpp"

namespace ledge::broker {

namespace {
Bytes bytes_of(const std::vector<Byte>& body) { return {body.data(), body.size()}; }
}  // namespace

void Lifecycle::restore(const StoredSession& stored, Instant now) {
    auto record = session::parse_session(bytes_of(stored.record));
    if (!record || sessions_.find(record->client_id) != nullptr) {
        environment_.log.error("stored_session_unreadable", {{"number", stored.number}});
        return;
    }
    if (record->is_ended) return take_downs_.push_back({stored.number, stored.first_queued, 0});
    session::Session& session = sessions_.create(environment_, record->client_id, limits_of_restored_);
    session.expiry_interval_s = record->expiry_interval_s;
    if (!record->owner.empty()) {
        auto owner = std::make_unique<auth::Identity>();
        owner->user = std::string(record->owner);
        session.set_identity(std::move(owner));
    }
    session.charge_to(environment_.accounts.of(record->owner, record->network));
    session.restore(stored.number, stored.last_queued);
    for (const StoredRow& row : stored.subscriptions)
        if (const auto subscription = session::parse_subscription(bytes_of(row.body)))
            subscriptions_.restore(session, *subscription, static_cast<std::uint32_t>(row.number));
    for (const std::uint16_t id : stored.received) session.received.insert(id);
    restore_exchanges(session, stored);

    // Whoever was connected lost its connection with the crash, just now.
    if (record->will) session.will = std::make_unique<session::StoredWill>(std::move(*record->will));
    session.go_away();
    if (record->expiry_interval_s == 0) return environment_.timers.set(session.expiry_timer, now);
    if (record->expiry_interval_s != session::expiry_never) {
        const Instant from_now = add_seconds(now, record->expiry_interval_s);
        environment_.timers.set(session.expiry_timer, std::min(record->expires_at, from_now));
        // Counted once from the first crash on, not anew from each.
        if (record->expires_at == never) session.put_record(from_now, session::Urgency::lazy);
    }
    if (session.will != nullptr) environment_.timers.set(session.will_timer, add_seconds(now, session.will->delay_s));
}

void Lifecycle::restore_exchanges(session::Session& session, const StoredSession& stored) {
    std::uint64_t bytes = stored.queued_bytes;
    for (const StoredRow& row : stored.inflight) {
        const auto record = session::parse_queued(bytes_of(row.body));
        if (!record) continue;
        session::Delivery delivery;
        delivery.message = record->message;
        delivery.qos = record->qos;
        delivery.retain = record->retain;
        delivery.ids.add_all(record->ids);
        bytes -= std::min<std::uint64_t>(bytes, record->bytes);
        if (!session.restore_exchange(row.number, delivery, record->state, record->packet_id))
            environment_.log.error("stored_exchange_unusable",
                                   {{"client_id", session.client_id()}, {"row", row.number}});
    }
    const std::uint64_t waiting = stored.queued - std::min<std::uint64_t>(stored.queued, stored.inflight.size());
    session.restore_queue(waiting, bytes, stored.first_queued);
}

}  // namespace ledge::broker
