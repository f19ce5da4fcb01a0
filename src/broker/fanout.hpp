// Fanout: one publication to many sessions. A frame is encoded once per layout and copied from the second receiver of
// that layout on; a publication that must be kept (QoS 1/2, or a large payload for several) gets one counted blob.
#pragma once

#include <array>
#include <vector>

#include "ledge/journal/journal.hpp"
#include "ledge/session/ack_barrier.hpp"
#include "ledge/session/connection.hpp"
#include "ledge/session/memory_budget.hpp"

namespace ledge::broker {

/// What one session gets of a publication.
struct Hit {
    session::Session* session = nullptr;
    session::SubscriptionIds ids;
    std::uint32_t share_group = 0;
    wire::QoS qos = wire::QoS::at_most_once;
    bool retain = false;

    /// The store has to keep it for the session. A QoS 2 message waits for the record of its packet id at every level:
    /// after a crash the id could be given to another message, which the client would take for a repetition of this.
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
        journal::Journal& journal;
        session::AckBarriers& barriers;
    };

    explicit Fanout(const Services& services) : services_(services) {}

    struct Terms {
        journal::Durability level = journal::Durability::ram;
        journal::Ticket not_before = 0;  // nobody gets it before that is settled (Journal::is_settled)
        bool has_several = false;        // more than one session is going to get it
        std::size_t receivers = 1;       // how many
    };
    /// `publication` must live until end().
    void begin(const journal::PublicationView& publication, const Terms& terms, Instant now);
    void deliver(const Hit& hit);
    /// When the publisher may be told that the message is safe.
    struct AckCondition {
        journal::Ticket ticket = 0;  // when it is durable, or
        session::AckHold hold{};     // when the last hold of this barrier has ended
    };
    AckCondition end();
    /// Connected, and nothing waits: the next QoS 1/2 message would be sent at once.
    static bool keeps_up(const session::Session& session);
    /// The publication as its deliveries share it.
    const journal::Publication& kept();

private:
    /// A frame for all clients of one version, QoS and retain flag.
    struct Layout {
        std::uint32_t uses = 0;
        std::uint32_t offset = 0;       // in frames_
        std::uint32_t size = 0;         // 0: not encoded yet
        std::uint32_t id_from_end = 0;  // where the packet id stands, counted from the end of the frame
    };
    static constexpr std::size_t layouts = 2 * 3 * 2;

    void deliver_at_most_once(const Hit& hit);
    void deliver_assured(const Hit& hit);
    void send(session::Connection& connection, const Hit& hit, wire::PacketId id);
    Layout* shared_layout(const session::Connection& connection, const Hit& hit);
    void encode(Layout& layout, const Hit& hit, wire::Version version);
    void enqueue(const Hit& hit);
    void keep(const Hit& hit, bool is_online, session::Delivery& delivery);
    bool may_queue(session::Session& session, bool& is_stored);
    bool find_room(session::Session& session, bool is_stored, session::DropReason& reason);
    bool must_not_miss(const session::Session& session) const;
    bool spill_to_store(session::Session& session, bool& is_stored);
    bool make_room(session::Session& session, bool is_stored);
    session::Delivery delivery_of(const Hit& hit);

    Services services_;
    const journal::PublicationView* publication_ = nullptr;
    journal::Publication kept_;
    Instant now_{};
    Terms terms_;
    AckCondition ack_;
    std::array<Layout, layouts> layouts_{};
    std::vector<Byte> frames_;
    wire::PropertyBuilder properties_;  // scratch
};

}  // namespace ledge::broker
