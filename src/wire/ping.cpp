// PINGREQ and PINGRESP (5.0 sections 3.12 and 3.13) consist of a fixed header only.
//   pingreq := 0xC0 0x00          pingresp := 0xD0 0x00
#include "fixed_header.hpp"
#include "ledge/wire/packets.hpp"

namespace ledge::wire {

namespace {

template <class Ping>
Decoded<Ping> decode(Bytes frame, PacketType type) {
    Reader in = open_packet(frame, type).in;
    in.require_end();
    if (!in.ok()) return Failure{in.error()};
    return Ping{};
}

}  // namespace

Decoded<Pingreq> decode_pingreq(Bytes frame) { return decode<Pingreq>(frame, PacketType::pingreq); }

Decoded<Pingresp> decode_pingresp(Bytes frame) { return decode<Pingresp>(frame, PacketType::pingresp); }

void encode(Pingreq, Writer& out) { write_fixed_header(PacketType::pingreq, 0, 0, out); }

void encode(Pingresp, Writer& out) { write_fixed_header(PacketType::pingresp, 0, 0, out); }

}  // namespace ledge::wire
