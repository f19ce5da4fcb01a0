// Acknowledgements that wait until what they promise is true.
#include "auth_exchange.hpp"
#include "ledge/session/connection.hpp"

namespace ledge::session {

void Connection::owe_ack(wire::PacketType type, wire::PacketId id, wire::ReasonCode code, Ticket ticket,
                         BarrierId barrier, std::string_view reason) {
    const bool is_due = owed_acks_.empty() && barrier == 0 && environment_.journal.is_durable(ticket);
    if (is_due) return send_ack(type, id, code, reason);
    // What the store can never keep is never acknowledged, and must not stand in the way of answers that say so.
    if (environment_.journal.is_failed() && barrier == 0 && !environment_.journal.is_durable(ticket)) return;
    if (barrier != 0) environment_.barriers.attach(barrier, *this, first_owed_ack_ + owed_acks_.size());
    reason = reason_for_peer(reason);
    owed_acks_.push_back({type, code, id, barrier, ticket, false, false,
                          reason.empty() ? nullptr : std::make_unique<std::string>(reason)});
    if (type == wire::PacketType::puback) ++owed_pubacks_;
    wait_for_commit();
}

// The first one may not have left yet. Of its record it is known only that it is not younger than the session's last.
void Connection::owe_repeated_pubrec(wire::PacketId id) {
    const bool is_durable = environment_.journal.is_durable(session_->received_ticket());
    if (environment_.journal.is_failed() && !is_durable)
        return close(wire::ReasonCode::implementation_specific_error, "the store has failed");
    owe_ack(wire::PacketType::pubrec, id, wire::ReasonCode::success, session_->received_ticket());
    if (!is_durable) owed_acks_[owed_acks_.size() - 1].is_repetition = true;
}

void Connection::settle_ack(std::uint64_t number) {
    OwedAck& ack = owed_acks_[number - first_owed_ack_];
    ack.is_settled = true;
    ack.barrier = 0;
    flush_acks();
}

void Connection::forget_barrier(std::uint64_t number) { owed_acks_[number - first_owed_ack_].barrier = 0; }

void Connection::flush_acks() {
    while (!owed_acks_.empty() && state_ == State::connected) {
        if (!owed_acks_.front().is_settled && !environment_.journal.is_durable(owed_acks_.front().ticket)) return;
        const OwedAck ack = owed_acks_.pop_front();
        ++first_owed_ack_;
        if (ack.type == wire::PacketType::puback) --owed_pubacks_;
        if (ack.barrier != 0) environment_.barriers.forget(ack.barrier);
        send_ack(ack.type, ack.packet_id, ack.code, ack.reason ? std::string_view(*ack.reason) : std::string_view());
    }
}

void Connection::on_committed() {
    flush_acks();
    if (!is_output_held()) mark_dirty();
    if (!owed_acks_.empty() || is_output_held()) wait_for_commit();
}

void Connection::hold_output(Ticket ticket) {
    if (environment_.journal.is_durable(ticket)) return;
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
    for (std::size_t i = 0; i < owed_acks_.size(); ++i) {
        const OwedAck& ack = owed_acks_[i];
        const bool is_unkept = ack.type == wire::PacketType::pubrec && !wire::is_error(ack.code) &&
                               !environment_.journal.is_durable(ack.ticket);
        if (!is_unkept) continue;
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
    environment_.waiting_connections.push_back(this);
}

// Whoever waits for these acknowledgements will not get them here: a client that wants them sends its packets again.
void Connection::forget_session() {
    session_ = nullptr;
    owed_pubacks_ = 0;
    for (; !owed_acks_.empty(); ++first_owed_ack_)
        if (const OwedAck ack = owed_acks_.pop_front(); ack.barrier != 0) environment_.barriers.forget(ack.barrier);
}

}  // namespace ledge::session
