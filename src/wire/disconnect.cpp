// DISCONNECT (5.0 section 3.14, 3.1.1 section 3.14).
//   disconnect := 0xE0 remaining:variable  [code:u8 [properties]]     [...] in v5 only
// encode omits the properties when there are none. Without properties, encode also omits the code 0x00.
#include "fixed_header.hpp"
#include "ledge/wire/packets.hpp"
#include "property_block.hpp"
#include "reason_codes.hpp"

namespace ledge::wire {

Decoded<Disconnect> decode_disconnect(Bytes frame, Version version) {
    Reader in = open_packet(frame, PacketType::disconnect).in;
    Disconnect packet;
    if (version == Version::v5 && !in.at_end()) {
        const std::uint8_t code = in.u8();
        in.require(is_code_of(PacketType::disconnect, code), Rule::reason_code);  // [MQTT-3.14.2-1]
        packet.code = static_cast<ReasonCode>(code);
        if (!in.at_end()) packet.properties = read_properties(in, PacketType::disconnect);
    }
    in.require_end();
    if (!in.ok()) return Failure{in.error()};
    return packet;
}

namespace {

std::size_t remaining_length(const Disconnect& packet, Version version) {
    // 5.0 sections 3.14.2.1 and 3.14.2.2.1. A DISCONNECT of 3.1.1 has no variable header (3.1.1 section 3.14.2).
    const bool has_properties = version == Version::v5 && !packet.properties.empty();
    const bool has_code = has_properties || (version == Version::v5 && packet.code != ReasonCode::success);
    return (has_code ? 1 : 0) + (has_properties ? block_size(packet.properties) : 0);
}

}  // namespace

std::size_t encoded_size(const Disconnect& packet, Version version) {
    return packet_size(remaining_length(packet, version));
}

void encode(const Disconnect& packet, Version version, Writer& out) {
    const std::size_t remaining = remaining_length(packet, version);
    write_fixed_header(PacketType::disconnect, 0, remaining, out);
    if (remaining > 0) out.u8(static_cast<std::uint8_t>(packet.code));
    if (remaining > 1) write_properties(packet.properties, out);
}

}  // namespace ledge::wire
