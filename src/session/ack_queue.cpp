// Acknowledgements that wait until what they promise is true.
#include "auth_exchange.hpp"
#include "ledge/session/connection.hpp"

namespace ledge::session {

void Connection::owe_ack(wire::PacketType type, wire::PacketId id, wire::ReasonCode code, Ticket ticket,
                         BarrierId barrier) {
    const bool is_due = owed_acks_.empty() && barrier == 0 && environment_.journal.is_durable(ticket);
    if (is_due) return send_ack(type, id, code);
    if (barrier != 0) environment_.barriers.attach(barrier, *this, first_owed_ack_ + owed_acks_.size());
    owed_acks_.push_back({type, code, id, barrier, ticket, false});
    wait_for_commit();
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
        if (ack.barrier != 0) environment_.barriers.forget(ack.barrier);
        send_ack(ack.type, ack.packet_id, ack.code);
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

void Connection::abandon_output() {
    if (is_output_held()) outbox_.clear();
    held_until_ = 0;
}

void Connection::wait_for_commit() {
    if (is_waiting_for_commit_) return;
    is_waiting_for_commit_ = true;
    environment_.waiting_connections.push_back(this);
}

// Whoever waits for these acknowledgements will not get them here: a client that wants them sends its packets again.
void Connection::forget_session() {
    session_ = nullptr;
    for (; !owed_acks_.empty(); ++first_owed_ack_)
        if (const OwedAck ack = owed_acks_.pop_front(); ack.barrier != 0) environment_.barriers.forget(ack.barrier);
}

}  // namespace ledge::session
