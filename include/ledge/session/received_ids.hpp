// Packet ids of inbound QoS 2 messages between PUBLISH and PUBREL [MQTT-4.3.3-2]: a bitmap in 64 pages that exist only
// while they hold an id (the last one used may stay empty). At most 9 KiB per session, nothing before the first use.
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
    /// False when it was there already: the PUBLISH is a repetition.
    bool insert(wire::PacketId id);
    /// False when it was not there.
    bool erase(wire::PacketId id);
    std::size_t size() const { return size_; }
    /// In ascending order.
    std::vector<wire::PacketId> all() const;
    void clear();

private:
    struct Page {
        std::array<std::uint64_t, 16> bits{};
        std::uint16_t used = 0;
    };
    using Pages = std::array<std::unique_ptr<Page>, 64>;

    std::unique_ptr<Pages> pages_;
    std::uint32_t size_ = 0;
    std::uint32_t last_page_ = 0;  // the one kept although empty, when size_ is 0
};

}  // namespace ledge::session
