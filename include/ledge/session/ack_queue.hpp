// AckQueue: the acknowledgements of one connection that wait for the store, and the only way in which an
// acknowledgement leaves. Each kind leaves in the order of the packets it answers [MQTT-4.6.0-2] [MQTT-4.6.0-3]
// [MQTT-4.6.0-4]. Kinds do not wait for each other: a PUBCOMP that a full disk holds back does not hide from the
// publisher that its next message is refused. A part of Connection, on the shard's thread.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "ledge/base/ids.hpp"
#include "ledge/base/ring.hpp"
#include "ledge/session/ack_barrier.hpp"
#include "ledge/wire/packets.hpp"

namespace ledge::journal {
class Journal;
}  // namespace ledge::journal

namespace ledge::session {

class PacketSender;

/// An acknowledgement that waits for the store.
struct OwedAck {
    wire::ReasonCode code = wire::ReasonCode::success;
    bool is_settled = false;     // need not wait for the ticket
    bool is_repetition = false;  // PUBREC for a packet id that was received before
    wire::PacketId packet_id = 0;
    AckWait wait{};  // for the subscribers, who may make the ticket unnecessary
    Ticket ticket = no_ticket;
    std::unique_ptr<std::string> reason;  // why the acknowledgement refuses, for the client
};

class AckQueue {
public:
    /// PUBACK, PUBREC, PUBREL and PUBCOMP have consecutive numbers [5.0 table 2-1].
    static constexpr std::array kinds = {wire::PacketType::puback, wire::PacketType::pubrec, wire::PacketType::pubrel,
                                         wire::PacketType::pubcomp};

    /// Limits of the acknowledgements that wait for the store. When one of them is reached, the connection is not read
    /// until some acknowledgements have left. The limit within exchanges is larger: on a full disk PUBCOMP waits
    /// until there is room again, and a publisher that returns with many open exchanges must still be told that its new
    /// messages are refused.
    static constexpr std::size_t owed_to_messages_max = 1024;
    static constexpr std::size_t owed_within_exchanges_max = 8192;

    AckQueue(const journal::Journal& journal, PacketSender& sender) : journal_(journal), sender_(sender) {}
    AckQueue(const AckQueue&) = delete;
    AckQueue& operator=(const AckQueue&) = delete;

    /// Sends the acknowledgement once `ticket` is durable, or the last hold of the barrier of `hold` has ended, and all
    /// earlier ones of its kind have left. `reason`: why the acknowledgement refuses.
    void owe(wire::PacketType kind, wire::PacketId id, wire::ReasonCode code, Ticket ticket, const AckHold& hold = {},
             std::string_view reason = {});
    /// PUBREC for a message that was received before: the first PUBREC may not have left yet.
    void owe_repeated_pubrec(wire::PacketId id, Ticket ticket);

    /// All subscribers that could make the ticket of acknowledgement `number` of a kind unnecessary are done with the
    /// message. The acknowledgement may leave now, unless `is_commit_required`.
    void on_holds_ended(wire::PacketType kind, std::uint32_t number, bool is_commit_required);
    /// Sends every acknowledgement that may leave now.
    void flush();
    /// Drops all. A client that misses an acknowledgement sends its packet again when it resumes.
    void clear();

    bool empty() const { return to_messages() + within_exchanges() == 0; }
    bool is_full() const {
        return to_messages() >= owed_to_messages_max || within_exchanges() >= owed_within_exchanges_max;
    }
    std::size_t size(wire::PacketType kind) const { return lanes_ == nullptr ? 0 : lane(kind).acks.size(); }
    /// Acknowledgement `index` of a kind; 0 = the next to leave. Requires index < size(kind).
    const OwedAck& at(wire::PacketType kind, std::size_t index) const { return lane(kind).acks[index]; }

private:
    struct Lane {
        Ring<OwedAck> acks;
        std::uint32_t first = 0;  // number of the acknowledgement at the front; wraps around
    };
    using Lanes = std::array<Lane, kinds.size()>;
    Lane& lane(wire::PacketType kind) { return (*lanes_)[static_cast<std::size_t>(kind) - first_kind]; }
    const Lane& lane(wire::PacketType kind) const { return (*lanes_)[static_cast<std::size_t>(kind) - first_kind]; }
    std::size_t to_messages() const { return size(wire::PacketType::puback) + size(wire::PacketType::pubrec); }
    std::size_t within_exchanges() const { return size(wire::PacketType::pubrel) + size(wire::PacketType::pubcomp); }
    bool may_leave(const OwedAck& ack) const;
    void flush(wire::PacketType kind);

    static constexpr auto first_kind = static_cast<std::size_t>(kinds.front());
    const journal::Journal& journal_;
    PacketSender& sender_;
    std::unique_ptr<Lanes> lanes_;  // from the first acknowledgement that waits: most clients never have one
};

}  // namespace ledge::session
