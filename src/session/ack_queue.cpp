// Acknowledgements that wait until what they promise is true.
#include "auth_exchange.hpp"
#include "ledge/session/connection.hpp"

namespace ledge::session {

std::uint32_t AckQueue::next_number(wire::PacketType kind) const {
    return lane(kind).first + static_cast<std::uint32_t>(lane(kind).acks.size());
}

OwedAck AckQueue::pop(wire::PacketType kind) {
    ++lane(kind).first;
    return lane(kind).acks.pop_front();
}

void Connection::owe_ack(wire::PacketType kind, wire::PacketId id, wire::ReasonCode code, journal::Ticket ticket,
                         const AckHold& hold, std::string_view reason) {
    const bool is_due = owed_acks_.size(kind) == 0 && !hold && services_.journal.is_durable(ticket);
    if (is_due) return send_ack(kind, id, code, reason);
    // The store has failed, so this write will never be durable. Drop its acknowledgement; otherwise it would block the
    // error answers queued behind it.
    if (services_.journal.is_failed() && !hold && !services_.journal.is_durable(ticket)) return;
    AckWait wait;
    if (hold) wait = AckWait(hold, *this, kind, owed_acks_.next_number(kind));
    reason = reason_for_peer(reason);
    owed_acks_.push(kind, {.code = code,
                           .packet_id = id,
                           .wait = std::move(wait),
                           .ticket = ticket,
                           .reason = reason.empty() ? nullptr : std::make_unique<std::string>(reason)});
    wait_for_commit();
}

// The first PUBREC may not have left yet. Which ticket the packet id has is not known; the session's latest is safe.
void Connection::owe_repeated_pubrec(wire::PacketId id) {
    const bool is_durable = services_.journal.is_durable(session_->received_ticket());
    if (services_.journal.is_failed() && !is_durable)
        return close(wire::ReasonCode::implementation_specific_error, "the store has failed");
    owe_ack(wire::PacketType::pubrec, id, wire::ReasonCode::success, session_->received_ticket());
    if (!is_durable) owed_acks_.last(wire::PacketType::pubrec).is_repetition = true;
}

void Connection::on_holds_ended(wire::PacketType kind, std::uint32_t number, bool is_commit_required) {
    OwedAck& ack = owed_acks_.numbered(kind, number);
    ack.wait = {};
    if (is_commit_required) return;
    ack.is_settled = true;
    flush_acks(kind);
}

void Connection::flush_acks() {
    for (const wire::PacketType kind : AckQueue::kinds) flush_acks(kind);
}

void Connection::flush_acks(wire::PacketType kind) {
    while (owed_acks_.size(kind) > 0 && state_ == State::connected) {
        const OwedAck& next = owed_acks_.at(kind, 0);
        if (!next.is_settled && !services_.journal.is_durable(next.ticket)) return;
        const OwedAck ack = owed_acks_.pop(kind);
        send_ack(kind, ack.packet_id, ack.code, ack.reason ? std::string_view(*ack.reason) : std::string_view());
    }
}

void Connection::on_committed() {
    flush_acks();
    if (!is_output_held()) mark_dirty();
    if (!owed_acks_.empty() || is_output_held()) wait_for_commit();
}

void Connection::hold_output(journal::Ticket ticket) {
    if (services_.journal.is_durable(ticket)) return;
    held_until_ = std::max(held_until_, ticket);
    wait_for_commit();
}

void Connection::on_store_failed() {
    if (session_ != nullptr) forget_unkept_ids();
    if (!is_output_held()) return close(wire::ReasonCode::implementation_specific_error, "the store has failed");
    // What the peer was not to see yet may begin with CONNACK, or in the middle of a packet: nothing can follow it.
    outbox_.clear();
    held_until_ = 0;
    close_silently();
}

// Packet ids of QoS 2 messages that were not kept: the publisher's repetition is a new message, to be refused. An id
// that was received before this connection began may be in the store or not; then each stays in doubt.
void Connection::forget_unkept_ids() {
    bool is_in_doubt = false;
    for (std::size_t i = 0; i < owed_acks_.size(wire::PacketType::pubrec); ++i) {
        const OwedAck& ack = owed_acks_.at(wire::PacketType::pubrec, i);
        if (wire::is_error(ack.code) || services_.journal.is_durable(ack.ticket)) continue;
        if (ack.is_repetition)
            is_in_doubt = true;
        else
            session_->received.erase(ack.packet_id);
    }
    if (!is_in_doubt) session_->settle_received();
}

void Connection::wait_for_commit() {
    if (is_waiting_for_commit_) return;
    is_waiting_for_commit_ = true;
    services_.waiting.push_back(this);
}

// The acknowledgements that still wait are dropped. A client that misses one sends its packet again when it resumes.
void Connection::forget_session() {
    session_ = nullptr;
    for (const wire::PacketType kind : AckQueue::kinds)
        while (owed_acks_.size(kind) > 0) owed_acks_.pop(kind);
}

}  // namespace ledge::session
