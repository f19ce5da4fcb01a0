// The fixed header at the start of every packet. Private to wire. Stateless.
//   packet        := type:4 flags:4 remaining_length:variable rest[remaining_length]
//   variable      := 1 to 4 bytes with 7 bits each, lowest bits first; bit 7 is set in all bytes but the last; no byte
//                    more than necessary
#pragma once

#include <cstdint>

#include "ledge/base/bytes.hpp"
#include "ledge/wire/framer.hpp"
#include "ledge/wire/types.hpp"
#include "ledge/wire/writer.hpp"
#include "reader.hpp"

namespace ledge::wire {

struct FixedHeader {
    enum class State : std::uint8_t { complete, incomplete, malformed };
    State state = State::incomplete;
    std::uint8_t size = 0;    // bytes of the header itself, when complete
    std::uint32_t total = 0;  // bytes of the whole packet, when complete; 0 otherwise
};

/// Parses the fixed header at the front of `bytes`, which must not be empty. The state is `malformed` as soon as the
/// bytes that are there prove it.
FixedHeader parse_fixed_header(Bytes bytes);

/// A packet opened for decoding: a reader over the bytes behind the fixed header, and the flags of this header.
struct Opened {
    Reader in;
    unsigned flags;
};

/// The slow path of open_packet: for packets of 130 bytes or more, and for bytes that are not a packet.
Opened open_long_packet(Bytes frame, PacketType type);

/// Opens a frame for decoding. If `frame` is not exactly one packet of `type` with allowed flags, the returned reader
/// has failed already.
inline Opened open_packet(Bytes frame, PacketType type) {
    if (frame.size() >= 2 && frame[1] < 0x80 && frame.size() == std::size_t{2} + frame[1] &&
        frame[0] >> 4U == static_cast<unsigned>(type) && has_allowed_flags(frame[0])) [[likely]] {
        return {Reader(frame.subspan(2)), frame[0] & 0x0FU};
    }
    return open_long_packet(frame, type);
}

/// For PUBREL, SUBSCRIBE and UNSUBSCRIBE: only MQTT 3.1 allows their DUP flag [MQTT-2.1.3-1].
inline void require_no_dup(Opened& packet, Version version) {
    packet.in.require(packet.flags < 0x08 || version == Version::v3_1, Rule::dup_flag);
}

/// Returns the bytes of a whole packet whose remaining length is `remaining`.
constexpr std::size_t packet_size(std::size_t remaining) {
    return 1 + (remaining > variable_integer_max ? 4 : variable_size(static_cast<std::uint32_t>(remaining))) +
           remaining;
}

inline void write_fixed_header(PacketType type, unsigned flags, std::size_t remaining, Writer& out) {
    LEDGE_ASSERT(remaining <= variable_integer_max && flags <= 0x0F);
    out.u8(static_cast<std::uint8_t>(static_cast<unsigned>(type) << 4U | flags));
    out.variable(static_cast<std::uint32_t>(remaining));
}

}  // namespace ledge::wire
