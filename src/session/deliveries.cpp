#include "ledge/session/deliveries.hpp"

#include <algorithm>

#include "ledge/auth/rights.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/journal/journal.hpp"
#include "ledge/session/counters.hpp"
#include "ledge/session/limits.hpp"
#include "ledge/session/packet_sender.hpp"
#include "ledge/session/session.hpp"

namespace ledge::session {

using journal::OutState;
using wire::PacketType;
using wire::QoS;
using wire::ReasonCode;

std::size_t Deliveries::quota() const {
    return std::min<std::size_t>(peer_.receive_maximum, peer_.limits().inflight_max);
}

[[gnu::hot]] bool Deliveries::has_quota(const Session& session) const {
    const Inflight& inflight = session.queue().inflight();
    // Exchanges that an earlier connection left open come first. A new exchange that took their room would wait for its
    // turn behind them, and they would wait for room.
    const bool is_all_counted = inflight.counted() == inflight.size();
    return is_all_counted && inflight.counted() < quota() && session.queue().may_open_next();
}

[[gnu::hot]] void Deliveries::pump(Session& session, Instant now) {
    send_unsent(session, now);
    while (may_take_next(session, now)) {
        start_next(session, now);
        send_unsent(session, now);  // one by one, so that a QoS 0 message behind it does not overtake it without need
    }
    if (session.queue().pending().empty() && sender_.has_room()) session.note_recovery();
}

// True when the queue has a front, and the front may leave now.
[[gnu::hot]] bool Deliveries::may_take_next(Session& session, Instant now) const {
    if (!sender_.has_room()) return false;
    const SessionQueue::Next next = session.queue().next();
    if (next == SessionQueue::Next::after_commit) session.wait_for_commit();
    if (next != SessionQueue::Next::loaded) return false;
    const Delivery& front = session.queue().pending().front();
    const bool is_expired = session.queue().expires_at(front) <= now && !front.is_begun();
    if (front.qos != QoS::at_most_once) return has_quota(session) || is_expired;
    if (services_.journal.is_settled(front.not_before) || services_.journal.is_failed()) return true;
    session.wait_for_commit();
    return false;
}

// After a failure of the store some messages can never leave. One: the packet id of a QoS 2 publisher had to be kept
// before any subscriber gets the message; its publisher has no acknowledgement. Two: the packet id for this client
// cannot be kept; the stored message stays in the store for the next start of the broker.
[[gnu::hot]] bool Deliveries::can_never_leave(const Delivery& delivery, const Session& session) const {
    const journal::Journal& journal = services_.journal;
    if (!journal.is_failed()) return false;
    const bool is_new_qos2 =
        delivery.qos == QoS::exactly_once && delivery.state == OutState::done && session.is_stored();
    return is_new_qos2 || !journal.is_settled(delivery.not_before);
}

[[gnu::hot]] void Deliveries::start_next(Session& session, Instant now) {
    SessionQueue& queue = session.queue();
    Delivery delivery = queue.dequeue();
    if (queue.expires_at(delivery) <= now && !delivery.is_begun()) {  // [MQTT-3.3.2-5]
        queue.drop_expired(delivery);
        return queue.discard(delivery);
    }
    if (can_never_leave(delivery, session)) {
        queue.drop(&Counters::dropped_unreadable, delivery);
        return queue.discard(delivery);
    }
    // The message was queued when the client had other rights, or was another client.
    if (session.rights() != nullptr && !delivery.is_begun() &&
        !auth::may_receive(session.rights(), delivery.publication.view().topic)) {
        queue.drop(&Counters::dropped_not_allowed, delivery);
        return queue.discard(delivery);
    }
    if (delivery.qos == QoS::at_most_once) {
        const journal::PublicationView view = delivery.publication.view();
        sender_.send_publish(view, delivery.publication.blob(),
                             {delivery.ids, QoS::at_most_once, delivery.retain, false, 0}, session.client_id(), now);
        return;
    }
    const bool is_new_qos2 = delivery.qos == QoS::exactly_once && delivery.state == OutState::done;
    const wire::PacketId id = queue.open_exchange(std::move(delivery), false);
    // The packet id must be durable first: after a crash it could be given to another message, which the client would
    // take for a repetition of this one.
    if (is_new_qos2) queue.record_state(queue.inflight().find(id)->delivery, OutState::sent_qos2, id);
}

// Sends the open exchanges that were not sent on this connection, in order: new exchanges, and after a resume the old
// ones again, with DUP [MQTT-4.4.0-1] [MQTT-4.6.0-1] [MQTT-3.3.1-1].
[[gnu::hot]] void Deliveries::send_unsent(Session& session, Instant now) {
    wire::PacketId id = 0;
    while (Inflight::Entry* entry = session.queue().inflight().next_unsent(id))
        if (!send_exchange(session, id, *entry, now)) return;
}

// Returns false when the exchange has to wait. All exchanges behind it then wait as well.
[[gnu::hot]] bool Deliveries::send_exchange(Session& session, wire::PacketId id, Inflight::Entry& entry, Instant now) {
    SessionQueue& queue = session.queue();
    Inflight& inflight = queue.inflight();
    Delivery& delivery = entry.delivery;
    const journal::Journal& journal = services_.journal;
    if (journal.is_failed() && !journal.is_settled(delivery.not_before)) {
        queue.drop(&Counters::dropped_unreadable, delivery, id);
        queue.finish_exchange(id);
        return true;
    }
    const Ticket record = delivery.qos == QoS::exactly_once ? delivery.ticket : no_ticket;
    const bool is_first_from_store = delivery.is_stored && !entry.is_repetition();
    const bool waits_for_record =
        !journal.is_durable(record) || (is_first_from_store && !journal.is_settled(queue.may_send_from()));
    // The store has failed, so the record that must be durable first never will be. The exchange waits for the next
    // start of the broker, and the following exchanges go on.
    if (journal.is_failed() && waits_for_record) {
        inflight.skip_unsent();
        return true;
    }
    if (waits_for_record || !journal.is_settled(delivery.not_before)) {
        session.wait_for_commit();
        return false;
    }
    if (entry.state != OutState::released && !entry.is_repetition() && queue.expires_at(delivery) <= now) {
        queue.drop_expired(delivery, id);  // [MQTT-3.3.2-5]: the message was never sent
        queue.finish_exchange(id);
        return true;
    }
    if (entry.state == OutState::released) {
        inflight.count(entry);
        inflight.skip_unsent();
        sender_.send_ack(PacketType::pubrel, id, wire::ReasonCode::success);
        return true;
    }
    if (!sender_.has_room() || (!entry.is_counted && inflight.counted() >= quota())) return false;
    inflight.count(entry);
    inflight.skip_unsent();
    bool is_sent = false;
    if (!queue.load_publication(delivery))
        queue.drop_unreadable(delivery);
    else if (!auth::may_receive(session.rights(), delivery.publication.view().topic))
        queue.drop(&Counters::dropped_not_allowed, delivery, id);
    else
        is_sent = sender_.send_publish(delivery.publication.view(), delivery.publication.blob(),
                                       {delivery.ids, delivery.qos, delivery.retain, entry.is_repetition(), id},
                                       session.client_id(), now);
    if (!is_sent) queue.finish_exchange(id);  // [MQTT-3.1.2-25]: as if it had been sent and acknowledged
    return true;
}

// ---------------------------------------------------------------------------------------------------------------------
// The client's answers

[[gnu::hot]] Ending Deliveries::on_answer(const wire::Ack& packet, Session& session) {
    LEDGE_ASSERT(packet.type != PacketType::pubrel);
    if (packet.type == PacketType::puback) return on_puback(packet, session);
    if (packet.type == PacketType::pubrec) return on_pubrec(packet, session);
    return on_pubcomp(packet, session);
}

[[gnu::hot]] Ending Deliveries::on_puback(const wire::Ack& packet, Session& session) {
    const Inflight::Entry* entry = session.queue().inflight().find_answerable(packet.packet_id);
    if (entry == nullptr) return nullptr;  // late or repeated: nothing is owed any more
    if (entry->state != OutState::sent_qos1) return end_with(ReasonCode::protocol_error, "PUBACK for a QoS 2 message");
    if (services_.counters.traces != 0) [[unlikely]]
        session.queue().trace_acknowledged(packet.packet_id, "puback of the subscriber");
    session.queue().finish_exchange(packet.packet_id);
    return nullptr;
}

[[gnu::hot]] Ending Deliveries::on_pubrec(const wire::Ack& packet, Session& session) {
    SessionQueue& queue = session.queue();
    Inflight::Entry* entry = queue.inflight().find_answerable(packet.packet_id);
    if (entry == nullptr) {
        if (!wire::is_error(packet.code))
            sender_.send_ack(PacketType::pubrel, packet.packet_id, ReasonCode::packet_identifier_not_found);
        return nullptr;
    }
    if (entry->state == OutState::sent_qos1) return end_with(ReasonCode::protocol_error, "PUBREC for a QoS 1 message");
    if (wire::is_error(packet.code) && entry->state == OutState::sent_qos2) {
        // [MQTT-4.3.3-3]: no PUBREL, the packet id is free
        if (services_.counters.traces != 0) [[unlikely]]
            queue.trace_acknowledged(packet.packet_id, "pubrec of the subscriber, which refuses the message");
        queue.finish_exchange(packet.packet_id);
        return nullptr;
    }
    if (entry->state == OutState::sent_qos2) {  // [MQTT-4.3.3-7]: never PUBLISH again, also after a crash
        queue.record_state(entry->delivery, OutState::released, packet.packet_id);
        queue.inflight().release(*entry);
    }
    acks_.owe(PacketType::pubrel, packet.packet_id, ReasonCode::success, entry->delivery.ticket);  // [MQTT-4.3.3-4]
    return nullptr;
}

[[gnu::hot]] Ending Deliveries::on_pubcomp(const wire::Ack& packet, Session& session) {
    const Inflight::Entry* entry = session.queue().inflight().find_answerable(packet.packet_id);
    if (entry == nullptr) return nullptr;
    if (entry->state != OutState::released) return end_with(ReasonCode::protocol_error, "PUBCOMP before PUBREL");
    if (services_.counters.traces != 0) [[unlikely]]
        session.queue().trace_acknowledged(packet.packet_id, "pubcomp of the subscriber");
    session.queue().finish_exchange(packet.packet_id);
    return nullptr;
}

}  // namespace ledge::session
