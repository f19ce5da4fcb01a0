// PUBACK, PUBREC, PUBREL, PUBCOMP (5.0 sections 3.4 to 3.7, the same sections in 3.1.1).
//   ack := type:4 flags:4 remaining:variable  packet_id:u16  [code:u8 [properties]]     [...] in v5 only
// encode omits the properties when there are none. Without properties, encode also omits the code `success`.
#include "fixed_header.hpp"
#include "ledge/wire/packets.hpp"
#include "property_block.hpp"
#include "reason_codes.hpp"

namespace ledge::wire {

namespace {

bool is_ack(PacketType type) { return type >= PacketType::puback && type <= PacketType::pubcomp; }

/// Reads the fields behind the packet id in v5.
void read_outcome(Reader& in, Ack& packet) {
    const std::uint8_t code = in.u8();
    // [MQTT-3.4.2-1] [MQTT-3.5.2-1] [MQTT-3.6.2-1] [MQTT-3.7.2-1]
    in.require(is_code_of(packet.type, code), Rule::reason_code);
    packet.code = static_cast<ReasonCode>(code);
    if (!in.at_end()) packet.properties = read_properties(in, packet.type);
}

}  // namespace

[[gnu::hot]] Decoded<Ack> decode_ack(Bytes frame, Version version) {
    Ack packet;
    if (frame.empty() || !is_ack(type_of(frame))) return Failure{Violation{Rule::fixed_header}};
    packet.type = type_of(frame);
    Opened opened = open_packet(frame, packet.type);
    if (packet.type == PacketType::pubrel) require_no_dup(opened, version);
    Reader& in = opened.in;
    packet.packet_id = in.packet_id();
    // A packet that ends behind the packet id has the code success (5.0 section 3.4.2.1).
    if (version == Version::v5 && !in.at_end()) read_outcome(in, packet);
    in.require_end();
    if (!in.ok()) return Failure{in.error()};
    return packet;
}

namespace {

std::size_t remaining_length(const Ack& packet, Version version) {
    // 5.0 section 3.4.2.1: the code can be omitted if it is success and there are no properties. The property length
    // can be omitted if there are no properties.
    const bool has_properties = version == Version::v5 && !packet.properties.empty();
    const bool has_code = has_properties || (version == Version::v5 && packet.code != ReasonCode::success);
    return 2 + (has_code ? 1 : 0) + (has_properties ? block_size(packet.properties) : 0);
}

}  // namespace

[[gnu::hot]] std::size_t encoded_size(const Ack& packet, Version version) {
    return packet_size(remaining_length(packet, version));
}

[[gnu::hot]] void encode(const Ack& packet, Version version, Writer& out) {
    LEDGE_ASSERT(is_ack(packet.type));
    const std::size_t remaining = remaining_length(packet, version);
    // PUBREL has the flags 0010 [MQTT-3.6.1-1]; the other three have 0000.
    write_fixed_header(packet.type, packet.type == PacketType::pubrel ? 0x02 : 0x00, remaining, out);
    out.u16(packet.packet_id);
    if (remaining > 2) out.u8(static_cast<std::uint8_t>(packet.code));
    if (remaining > 3) write_properties(packet.properties, out);
}

}  // namespace ledge::wire
