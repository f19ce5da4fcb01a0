// ReceivedIds: the packet ids of inbound QoS 2 messages between PUBLISH and PUBREL [MQTT-4.3.3-2]. A bitmap in 64
// pages, each of which exists only while it holds an id; one empty page may stay. At most 9 KiB per session, and no
// memory before the first use. Owned by ReceivedMessages, on the shard's thread.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "ledge/wire/packets.hpp"

namespace ledge::session {

class ReceivedIds {
public:
    bool contains(wire::PacketId id) const;
    /// Adds the id. False when the set contains it already, so that the PUBLISH is a repetition.
    bool insert(wire::PacketId id);
    /// Removes the id. False when the set does not contain it.
    bool erase(wire::PacketId id);
    std::size_t size() const { return size_; }
    /// All ids in ascending order.
    std::vector<wire::PacketId> all() const;
    void clear();

private:
    struct Page {
        std::array<std::uint64_t, 16> bits{};
        std::uint16_t used = 0;  // ids in this page
    };
    using Pages = std::array<std::unique_ptr<Page>, 64>;

    std::unique_ptr<Pages> pages_;
    std::uint32_t size_ = 0;
    std::uint32_t last_page_ = 0;  // index of the empty page that is kept, when size_ is 0
};

}  // namespace ledge::session
