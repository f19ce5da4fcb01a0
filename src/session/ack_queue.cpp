#include "ledge/session/ack_queue.hpp"

#include "ledge/base/assert.hpp"
#include "ledge/journal/journal.hpp"
#include "ledge/session/packet_sender.hpp"

namespace ledge::session {

[[gnu::hot]] void AckQueue::owe(wire::PacketType kind, wire::PacketId id, wire::ReasonCode code, Ticket ticket,
                                const AckHold& hold, std::string_view reason) {
    LEDGE_ASSERT(id != 0);
    const bool is_due = size(kind) == 0 && !hold && journal_.is_durable(ticket);
    if (is_due) return sender_.send_ack(kind, id, code, reason);
    // The store has failed, so this write will never be durable. Drop its acknowledgement; otherwise it would block the
    // error answers queued behind it.
    if (journal_.is_failed() && !hold && !journal_.is_durable(ticket)) return;
    if (lanes_ == nullptr) lanes_ = std::make_unique<Lanes>();
    Lane& mine = lane(kind);
    AckWait wait;
    if (hold) wait = AckWait(hold, *this, kind, mine.first + static_cast<std::uint32_t>(mine.acks.size()));
    reason = sender_.reason_for_client(reason);
    mine.acks.push_back({.code = code,
                         .packet_id = id,
                         .wait = std::move(wait),
                         .ticket = ticket,
                         .reason = reason.empty() ? nullptr : std::make_unique<std::string>(reason)});
    sender_.wait_for_commit();
}

void AckQueue::owe_repeated_pubrec(wire::PacketId id, Ticket ticket) {
    LEDGE_ASSERT(!journal_.is_failed() || journal_.is_durable(ticket));
    owe(wire::PacketType::pubrec, id, wire::ReasonCode::success, ticket);
    if (!journal_.is_durable(ticket)) lane(wire::PacketType::pubrec).acks.back().is_repetition = true;
}

void AckQueue::on_holds_ended(wire::PacketType kind, std::uint32_t number, bool is_commit_required) {
    LEDGE_ASSERT(number - lane(kind).first < size(kind));
    OwedAck& ack = lane(kind).acks[number - lane(kind).first];
    ack.wait = {};
    if (is_commit_required) return;
    ack.is_settled = true;
    flush(kind);
}

bool AckQueue::may_leave(const OwedAck& ack) const { return ack.is_settled || journal_.is_durable(ack.ticket); }

void AckQueue::flush() {
    for (const wire::PacketType kind : kinds) flush(kind);
}

void AckQueue::flush(wire::PacketType kind) {
    if (size(kind) == 0) return;
    Lane& mine = lane(kind);
    // Sending may close the connection, when the client's Maximum Packet Size has no room for an acknowledgement.
    while (!mine.acks.empty() && !sender_.is_sealed() && may_leave(mine.acks[0])) {
        ++mine.first;
        const OwedAck ack = mine.acks.pop_front();
        sender_.send_ack(kind, ack.packet_id, ack.code,
                         ack.reason ? std::string_view(*ack.reason) : std::string_view());
    }
}

void AckQueue::clear() { lanes_.reset(); }

}  // namespace ledge::session
