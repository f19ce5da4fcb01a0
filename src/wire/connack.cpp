// CONNACK (5.0 section 3.2, 3.1.1 section 3.2).
//   connack := 0x20 remaining:variable  0:7 session_present:1  code:u8  [properties, v5]
#include <array>

#include "fixed_header.hpp"
#include "ledge/wire/packets.hpp"
#include "property_block.hpp"
#include "reason_codes.hpp"

namespace ledge::wire {

namespace {

/// 3.1.1 table 3.1. The index is the return code on the wire.
constexpr std::array<ReasonCode, 6> meaning_of_return_code = {
    ReasonCode::success,
    ReasonCode::unsupported_protocol_version,
    ReasonCode::client_identifier_not_valid,
    ReasonCode::server_unavailable,
    ReasonCode::bad_user_name_or_password,
    ReasonCode::not_authorized,
};

void read_code(Reader& in, Version version, Connack& packet) {
    const std::uint8_t code = in.u8();
    if (version == Version::v5) {
        in.require(is_code_of(PacketType::connack, code), Rule::reason_code);  // [MQTT-3.2.2-8]
        packet.code = static_cast<ReasonCode>(code);
        return;
    }
    // 3.1.1 table 3.1: return codes from 6 on are reserved.
    if (code >= meaning_of_return_code.size()) return in.fail(Rule::connack_return_code);
    packet.return_code_v3 = code;
    packet.code = meaning_of_return_code[code];
}

}  // namespace

Decoded<Connack> decode_connack(Bytes frame, Version version) {
    Reader in = open_packet(frame, PacketType::connack).in;
    Connack packet;
    const std::uint8_t flags = in.u8();
    if (version != Version::v3_1) {                      // MQTT 3.1 does not use this byte
        in.require(flags <= 0x01, Rule::connack_flags);  // [MQTT-3.2.2-1]
        packet.session_present = flags != 0;
    }
    read_code(in, version, packet);
    // [MQTT-3.2.2-6]; 3.1.1 [MQTT-3.2.2-4]
    in.require(!packet.session_present || packet.code == ReasonCode::success, Rule::connack_session_present);
    if (version == Version::v5) packet.properties = read_properties(in, PacketType::connack);
    in.require_end();
    if (!in.ok()) return Failure{in.error()};
    return packet;
}

namespace {

std::size_t remaining_length(const Connack& packet, Version version) {
    // Flags and code, one byte each.
    return 2 + (version == Version::v5 ? block_size(packet.properties) : 0);
}

}  // namespace

std::size_t encoded_size(const Connack& packet, Version version) {
    return packet_size(remaining_length(packet, version));
}

void encode(const Connack& packet, Version version, Writer& out) {
    write_fixed_header(PacketType::connack, 0, remaining_length(packet, version), out);
    // MQTT 3.1 reserves this byte.
    out.u8(packet.session_present && version != Version::v3_1 ? 1 : 0);
    out.u8(version == Version::v5 ? static_cast<std::uint8_t>(packet.code) : packet.return_code_v3);
    if (version == Version::v5) write_properties(packet.properties, out);
}

}  // namespace ledge::wire
