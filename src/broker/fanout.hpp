// Fanout: one publication to many sessions. A frame is encoded once per layout and copied from the second receiver of
// that layout on; a publication that must be kept (QoS 1/2, or a large payload for several) gets one counted blob.
#pragma once

#include <array>
#include <vector>

#include "ledge/session/connection.hpp"

namespace ledge::broker {

/// What one session gets of a publication.
struct Hit {
    session::Session* session = nullptr;
    session::SubscriptionIds ids;
    std::uint32_t share_group = 0;
    wire::QoS qos = wire::QoS::at_most_once;
    bool retain = false;
};

class Fanout {
public:
    explicit Fanout(session::Environment& environment) : environment_(environment) {}

    /// `publication` must live until end(). `has_several`: more than one session is going to get it.
    void begin(const session::PublicationView& publication, bool has_several, Instant now);
    void deliver(const Hit& hit);
    void end();

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
    session::Delivery delivery_of(const Hit& hit);
    const session::Publication& kept();

    session::Environment& environment_;
    const session::PublicationView* publication_ = nullptr;
    session::Publication kept_;
    Instant now_{};
    bool has_several_ = false;
    std::array<Layout, layouts> layouts_{};
    std::vector<Byte> frames_;
};

}  // namespace ledge::broker
