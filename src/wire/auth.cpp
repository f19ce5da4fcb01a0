// AUTH (5.0 section 3.15). MQTT 3.x has no such packet.
//   auth := 0xF0 remaining:variable  [code:u8 properties]      [...] is omitted for success without properties
#include "fixed_header.hpp"
#include "ledge/wire/packets.hpp"
#include "property_block.hpp"
#include "reason_codes.hpp"

namespace ledge::wire {

Decoded<Auth> decode_auth(Bytes frame, Version version) {
    Reader in = open_packet(frame, PacketType::auth).in;
    in.require(version == Version::v5, Rule::auth_before_v5);  // packet type 15 is forbidden (3.1.1 table 2.1)
    Auth packet;
    if (!in.at_end()) {
        const std::uint8_t code = in.u8();
        in.require(is_code_of(PacketType::auth, code), Rule::reason_code);  // [MQTT-3.15.2-1]
        packet.code = static_cast<ReasonCode>(code);
        if (!in.at_end()) packet.properties = read_properties(in, PacketType::auth);
        // 5.0 section 3.15.2.2.2: "It is a Protocol Error to omit the Authentication Method".
        in.require(packet.properties.has(PropertyId::authentication_method), Rule::auth_without_method);
    }
    in.require_end();
    if (!in.ok()) return Failure{in.error()};
    return packet;
}

namespace {

std::size_t remaining_length(const Auth& packet) {
    // 5.0 section 3.15.2.1: code and property length can be omitted together.
    const bool is_short = packet.code == ReasonCode::success && packet.properties.empty();
    return is_short ? 0 : 1 + block_size(packet.properties);
}

}  // namespace

std::size_t encoded_size(const Auth& packet, Version) { return packet_size(remaining_length(packet)); }

void encode(const Auth& packet, Version version, Writer& out) {
    LEDGE_ASSERT(version == Version::v5);
    const std::size_t remaining = remaining_length(packet);
    write_fixed_header(PacketType::auth, 0, remaining, out);
    if (remaining == 0) return;
    out.u8(static_cast<std::uint8_t>(packet.code));
    write_properties(packet.properties, out);
}

}  // namespace ledge::wire
