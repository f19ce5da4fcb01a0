// UNSUBSCRIBE (5.0 section 3.10, 3.1.1 section 3.10).
//   unsubscribe := 0xA2 remaining:variable  packet_id:u16 [properties, v5] filter:prefixed+
#include "fixed_header.hpp"
#include "ledge/wire/packets.hpp"
#include "property_block.hpp"

namespace ledge::wire {

Decoded<Unsubscribe> decode_unsubscribe(Bytes frame, Version version) {
    Opened opened = open_packet(frame, PacketType::unsubscribe);
    require_no_dup(opened, version);
    Reader& in = opened.in;
    Unsubscribe packet;
    packet.packet_id = in.packet_id();
    if (version == Version::v5) packet.properties = read_properties(in, PacketType::unsubscribe);
    packet.entries = SubscribeEntries(in.unread(), false);  // a view; the loop below validates its bytes
    in.require(!in.at_end(), Rule::no_filter);              // [MQTT-3.10.3-2]
    while (!in.at_end()) in.text();                         // [MQTT-3.10.3-1]
    if (!in.ok()) return Failure{in.error()};
    return packet;
}

namespace {

std::size_t remaining_length(const Unsubscribe& packet, Version version) {
    return 2 + (version == Version::v5 ? block_size(packet.properties) : 0) + packet.entries.raw().size();
}

}  // namespace

std::size_t encoded_size(const Unsubscribe& packet, Version version) {
    return packet_size(remaining_length(packet, version));
}

void encode(const Unsubscribe& packet, Version version, Writer& out) {
    write_fixed_header(PacketType::unsubscribe, 0x02, remaining_length(packet, version), out);
    out.u16(packet.packet_id);
    if (version == Version::v5) write_properties(packet.properties, out);
    out.raw(packet.entries.raw());
}

}  // namespace ledge::wire
