// Fanout: delivers one publication to many sessions. Owned by the router; on the shard's thread.
//
// Receivers with the same version, QoS and RETAIN flag share a layout. The frame of a layout is encoded once, for its
// second receiver, and copied for that receiver and all later ones. A publication that must be kept (QoS 1/2, or a
// large payload for several receivers) gets one reference-counted blob.
#pragma once

#include <array>
#include <vector>

#include "ledge/base/ids.hpp"
#include "ledge/journal/durability.hpp"
#include "ledge/journal/journal.hpp"
#include "ledge/session/ack_barrier.hpp"
#include "ledge/session/connection.hpp"
#include "ledge/session/memory_budget.hpp"
#include "ledge/session/tracer.hpp"

namespace ledge::broker {

/// One receiver of a publication, with the parts of the PUBLISH that differ between receivers.
struct Hit {
    session::Session* session = nullptr;
    session::SubscriptionIds ids;
    ShareGroupId share_group = no_share_group;
    wire::QoS qos = wire::QoS::at_most_once;
    bool retain = false;

    /// True when the store must have a record of this delivery. A QoS 2 message needs the record at every level:
    /// without it, a crash could give the packet id to another message, and the client would discard that one as a
    /// repetition.
    bool needs_record(journal::Durability level) const {
        const bool is_assured =
            qos == wire::QoS::exactly_once || (qos == wire::QoS::at_least_once && level != journal::Durability::ram);
        return is_assured && session->is_stored();
    }
};

class Fanout {
public:
    struct Services {
        session::MemoryBudget& memory;
        session::Tracer& tracer;
        journal::Journal& journal;
        session::AckBarriers& barriers;
    };

    explicit Fanout(const Services& services) : services_(services) {}

    struct Terms {
        journal::Durability level = journal::Durability::ram;
        Ticket not_before = no_ticket;  // no receiver gets the message before this is settled (Journal::is_settled)
        bool has_several = false;       // more than one session is going to get the message
        std::size_t receivers = 1;      // number of sessions that are going to get the message
    };
    // One publication: begin(), deliver() for each receiver, end().
    /// `publication` must live until end().
    void begin(const journal::PublicationView& publication, const Terms& terms, Instant now);
    void deliver(const Hit& hit);
    /// Each receiver gets a frame that is encoded for it alone. Only such a frame is told to the traces: a shared frame
    /// goes to so many receivers, each at so little cost, that a comparison for each of them could be measured.
    void send_one_by_one() { terms_.has_several = false; }
    /// The publisher may be told that its message is safe as soon as one of the two has come true.
    struct AckCondition {
        Ticket ticket = no_ticket;  // this ticket is durable
        session::AckHold hold{};    // the last hold of this barrier has ended
    };
    AckCondition end();
    /// The blob that all deliveries of the publication share; made by the first call.
    const journal::Publication& kept();

private:
    /// The frame for all clients of one version, QoS and retain flag.
    struct Layout {
        std::uint32_t uses = 0;
        std::uint32_t offset = 0;       // in frames_
        std::uint32_t size = 0;         // 0 = not encoded yet
        std::uint32_t id_from_end = 0;  // position of the packet id, in bytes from the end of the frame
    };
    static constexpr std::size_t layouts = 2 * 3 * 2;  // versions * QoS values * retain flags

    void deliver_at_most_once(const Hit& hit);
    void deliver_assured(const Hit& hit);
    void send(session::Connection& connection, const Hit& hit, wire::PacketId id);
    Layout* shared_layout(const session::Connection& connection, const Hit& hit);
    void encode(Layout& layout, const Hit& hit, wire::Version version);
    void enqueue(const Hit& hit);
    void keep(const Hit& hit, bool is_online, session::Delivery& delivery);
    bool may_queue(const Hit& hit, bool& is_stored);
    bool find_room(const Hit& hit, bool is_stored, session::DropReason& reason);
    bool must_not_miss(const session::Session& session) const;
    bool spill_to_store(session::Session& session, bool& is_stored);
    bool make_room(const Hit& hit, bool is_stored);
    session::Delivery delivery_of(const Hit& hit);
    /// The number of the publication for the traces.
    MessageNumber number() const { return kept_ ? kept_.message() : no_message; }
    void trace_lost_connection(const Hit& hit) const;
    [[gnu::cold, gnu::noinline]] void trace(session::TraceStage stage, const Hit& hit, std::string_view detail) const;

    Services services_;
    const journal::PublicationView* publication_ = nullptr;  // between begin() and end()
    journal::Publication kept_;                              // see kept()
    Instant now_{};
    Terms terms_;
    AckCondition ack_;
    std::array<Layout, layouts> layouts_{};
    std::vector<Byte> frames_;          // the encoded frames of layouts_, one behind the other
    wire::PropertyBuilder properties_;  // scratch buffer of encode()
};

}  // namespace ledge::broker
