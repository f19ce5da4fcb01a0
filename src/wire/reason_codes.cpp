// The sets of reason codes, one for each packet that has a code.
#include "reason_codes.hpp"

#include <array>
#include <initializer_list>

namespace ledge::wire {

namespace {

/// A set of codes as 256 bits.
struct CodeSet {
    std::array<std::uint64_t, 4> words{};
    constexpr CodeSet() = default;
    constexpr CodeSet(std::initializer_list<std::uint8_t> codes) {
        for (const std::uint8_t code : codes) words[code / 64U] |= std::uint64_t{1} << code % 64U;
    }
    constexpr bool has(std::uint8_t code) const { return (words[code / 64U] >> code % 64U & 1U) != 0; }
};

// 5.0 section 3.2.2.2, table 3-1.
constexpr CodeSet of_connack{0x00, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89,
                             0x8A, 0x8C, 0x90, 0x95, 0x97, 0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9F};
// 5.0 sections 3.4.2.1 and 3.5.2.1; both packets have the same codes.
constexpr CodeSet of_puback_pubrec{0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99};
// 5.0 sections 3.6.2.1 and 3.7.2.1.
constexpr CodeSet of_pubrel_pubcomp{0x00, 0x92};
// 5.0 section 3.9.3.
constexpr CodeSet of_suback{0x00, 0x01, 0x02, 0x80, 0x83, 0x87, 0x8F, 0x91, 0x97, 0x9E, 0xA1, 0xA2};
// 5.0 section 3.11.3.
constexpr CodeSet of_unsuback{0x00, 0x11, 0x80, 0x83, 0x87, 0x8F, 0x91};
// 0x8C is in the set because the table of section 2.4 lists it for DISCONNECT, although the table of 3.14.2.1 does not.
constexpr CodeSet of_disconnect{0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8B, 0x8C,
                                0x8D, 0x8E, 0x8F, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98,
                                0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9E, 0x9F, 0xA0, 0xA1, 0xA2};
// 5.0 section 3.15.2.1.
constexpr CodeSet of_auth{0x00, 0x18, 0x19};

}  // namespace

bool is_code_of(PacketType type, std::uint8_t code) {
    switch (type) {
        case PacketType::connack: return of_connack.has(code);
        case PacketType::puback:
        case PacketType::pubrec: return of_puback_pubrec.has(code);
        case PacketType::pubrel:
        case PacketType::pubcomp: return of_pubrel_pubcomp.has(code);
        case PacketType::suback: return of_suback.has(code);
        case PacketType::unsuback: return of_unsuback.has(code);
        case PacketType::disconnect: return of_disconnect.has(code);
        case PacketType::auth: return of_auth.has(code);
        case PacketType::connect:
        case PacketType::publish:
        case PacketType::subscribe:
        case PacketType::unsubscribe:
        case PacketType::pingreq:
        case PacketType::pingresp: return false;
    }
    return false;
}

}  // namespace ledge::wire
