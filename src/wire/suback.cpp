// SUBACK and UNSUBACK (5.0 sections 3.9 and 3.11, the same sections in 3.1.1).
//   suback   := 0x90 remaining:variable  packet_id:u16 [properties, v5] code:u8+
//   unsuback := 0xB0 remaining:variable  packet_id:u16 [properties code:u8+, v5]
#include "fixed_header.hpp"
#include "ledge/wire/packets.hpp"
#include "property_block.hpp"
#include "reason_codes.hpp"

namespace ledge::wire {

namespace {

constexpr Byte failure_v3 = 0x80;  // 3.1.1 section 3.9.3

bool is_code_of_v3(Byte code) { return code <= 0x02 || code == failure_v3; }

/// Before v5 an UNSUBACK has no payload (3.1.1 section 3.11.3).
bool has_codes(PacketType type, Version version) { return type == PacketType::suback || version == Version::v5; }

/// Reads at least one code, because the list that the packet answers has at least one entry.
Bytes read_codes(Reader& in, PacketType type, Version version) {
    in.require(!in.at_end(), Rule::suback_codes);
    const Bytes codes = in.rest();
    for (const Byte code : codes) {
        if (version == Version::v5)
            in.require(is_code_of(type, code), Rule::reason_code);  // [MQTT-3.9.3-2]
        else
            in.require(is_code_of_v3(code), Rule::suback_codes);  // 3.1.1 [MQTT-3.9.3-2]
    }
    return codes;
}

Decoded<Suback> decode(Bytes frame, PacketType type, Version version) {
    Reader in = open_packet(frame, type).in;
    Suback packet;
    packet.type = type;
    packet.packet_id = in.packet_id();
    if (version == Version::v5) packet.properties = read_properties(in, type);
    if (has_codes(type, version)) packet.codes = read_codes(in, type, version);
    in.require_end();
    if (!in.ok()) return Failure{in.error()};
    return packet;
}

std::size_t remaining_length(const Suback& packet, Version version) {
    return 2 + (version == Version::v5 ? block_size(packet.properties) : 0) +
           (has_codes(packet.type, version) ? packet.codes.size() : 0);
}

}  // namespace

Decoded<Suback> decode_suback(Bytes frame, Version version) { return decode(frame, PacketType::suback, version); }

Decoded<Suback> decode_unsuback(Bytes frame, Version version) { return decode(frame, PacketType::unsuback, version); }

std::size_t encoded_size(const Suback& packet, Version version) {
    return packet_size(remaining_length(packet, version));
}

void encode(const Suback& packet, Version version, Writer& out) {
    LEDGE_ASSERT(packet.type == PacketType::suback || packet.type == PacketType::unsuback);
    write_fixed_header(packet.type, 0, remaining_length(packet, version), out);
    out.u16(packet.packet_id);
    if (version == Version::v5) {
        write_properties(packet.properties, out);
        out.raw(packet.codes);
    } else if (packet.type == PacketType::suback) {
        // 3.x knows one failure only; the client must not see a v5 code, which 3.1.1 reserves [MQTT-3.9.3-2].
        for (const Byte code : packet.codes) out.u8(code >= 0x80 ? failure_v3 : code);
    }
}

}  // namespace ledge::wire
