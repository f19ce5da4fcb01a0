// AckQueue: the acknowledgements of one connection that wait for the store. Each kind leaves in the order of the
// packets it answers [MQTT-4.6.0-2] [MQTT-4.6.0-3] [MQTT-4.6.0-4]. Kinds do not wait for each other: a PUBCOMP that a
// full disk holds back does not hide from the publisher that its next message is refused.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "ledge/base/ring.hpp"
#include "ledge/journal/ticket.hpp"
#include "ledge/session/ack_barrier.hpp"
#include "ledge/wire/packets.hpp"

namespace ledge::session {

/// An acknowledgement that waits for the store.
struct OwedAck {
    wire::ReasonCode code = wire::ReasonCode::success;
    bool is_settled = false;     // need not wait for the ticket
    bool is_repetition = false;  // PUBREC for a packet id that was received before
    wire::PacketId packet_id = 0;
    AckWait wait{};  // for the subscribers, who may make the ticket unnecessary
    journal::Ticket ticket = 0;
    std::unique_ptr<std::string> reason;  // why it says no, for the client
};

class AckQueue {
public:
    /// PUBACK, PUBREC, PUBREL or PUBCOMP: the kinds have consecutive numbers [5.0 table 2-1].
    static constexpr std::array kinds = {wire::PacketType::puback, wire::PacketType::pubrec, wire::PacketType::pubrel,
                                         wire::PacketType::pubcomp};

    bool empty() const { return of_messages() + within_exchanges() == 0; }
    std::size_t size(wire::PacketType kind) const { return lane(kind).acks.size(); }
    /// Answers to PUBLISH.
    std::size_t of_messages() const { return size(wire::PacketType::puback) + size(wire::PacketType::pubrec); }
    /// Answers to PUBREC and PUBREL.
    std::size_t within_exchanges() const { return size(wire::PacketType::pubrel) + size(wire::PacketType::pubcomp); }

    /// Acknowledgement `index` of a kind, 0: the next to leave.
    OwedAck& at(wire::PacketType kind, std::size_t index) { return lane(kind).acks[index]; }
    OwedAck& last(wire::PacketType kind) { return lane(kind).acks.back(); }
    /// By the number it was given: next_number() before its push.
    OwedAck& numbered(wire::PacketType kind, std::uint32_t number) { return at(kind, number - lane(kind).first); }
    std::uint32_t next_number(wire::PacketType kind) const;
    void push(wire::PacketType kind, OwedAck ack) { lane(kind).acks.push_back(std::move(ack)); }
    OwedAck pop(wire::PacketType kind);

private:
    struct Lane {
        Ring<OwedAck> acks;
        std::uint32_t first = 0;  // number of the one at the front; wraps around
    };
    Lane& lane(wire::PacketType kind) { return lanes_[static_cast<std::size_t>(kind) - first_kind]; }
    const Lane& lane(wire::PacketType kind) const { return lanes_[static_cast<std::size_t>(kind) - first_kind]; }

    static constexpr auto first_kind = static_cast<std::size_t>(kinds.front());
    std::array<Lane, kinds.size()> lanes_;
};

}  // namespace ledge::session
