// good_answer: what a gateway says that accepts everything. For scripts whose point is that the device goes on.
#pragma once

#include <cstdint>
#include <vector>

namespace fwclient {

/// The answer to one packet of the device, or nothing.
inline std::vector<std::uint8_t> good_answer(const std::vector<std::uint8_t>& packet) {
    const auto at = [&](std::size_t i) { return i < packet.size() ? packet[i] : std::uint8_t{0}; };
    const unsigned qos = at(2) >> 5U & 3U;
    switch (at(1)) {
        case 0x01: return {3, 0x02, 1};
        case 0x04: return {3, 0x05, 0};
        case 0x0a: return {7, 0x0b, 0, 5, at(4), at(5), 0};
        case 0x0c:
            if (qos == 1) return {7, 0x0d, at(3), at(4), at(5), at(6), 0};
            if (qos == 2) return {4, 0x0f, at(5), at(6)};
            return {};
        case 0x10: return {4, 0x0e, at(2), at(3)};
        case 0x12: return {8, 0x13, at(2), 0, 6, at(3), at(4), 0};
        case 0x14: return {4, 0x15, at(3), at(4)};
        case 0x16: return {2, 0x17};
        case 0x18: return {2, 0x18};
        case 0x1a: return {3, 0x1b, 0};
        case 0x1c: return {3, 0x1d, 0};
        default: return {};
    }
}

}  // namespace fwclient
