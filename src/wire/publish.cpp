// PUBLISH (5.0 section 3.3, 3.1.1 section 3.3). Of all packets, PUBLISH is decoded and encoded most often.
//   publish := 3:4 dup:1 qos:2 retain:1  remaining:variable  topic:prefixed  [packet_id:u16, QoS 1 and 2]
//              [properties, v5]  payload: all remaining bytes
#include "fixed_header.hpp"
#include "ledge/wire/packets.hpp"
#include "property_block.hpp"
#include "text.hpp"

namespace ledge::wire {

[[gnu::hot]] Decoded<Publish> decode_publish(Bytes frame, Version version) {
    auto [in, flags] = open_packet(frame, PacketType::publish);  // has checked DUP and QoS (allowed_flags)
    Publish packet;
    packet.dup = (flags & 0x08U) != 0;
    packet.qos = static_cast<QoS>(flags >> 1U & 0x03U);
    packet.retain = (flags & 0x01U) != 0;

    // Not text(): the check below finds invalid UTF-8 and wildcards in one pass.
    packet.topic = as_text(in.prefixed());
    if (!is_wildcard_free_utf8(packet.topic)) [[unlikely]]  // [MQTT-3.3.2-1] [MQTT-3.3.2-2]
        in.fail(has_wildcard(packet.topic) ? Rule::topic_wildcard : Rule::not_utf8);
    if (packet.qos != QoS::at_most_once) packet.packet_id = in.packet_id();
    if (version == Version::v5) packet.properties = read_properties(in, PacketType::publish);
    if (packet.topic.empty()) [[unlikely]] {
        // [MQTT-4.7.3-1]; 5.0 section 3.3.2.1: an empty topic without a topic alias "is a Protocol Error".
        in.require(packet.properties.has(PropertyId::topic_alias),
                   version == Version::v5 ? Rule::topic_empty_without_alias : Rule::topic_empty);
    }
    packet.payload = in.rest();

    if (!in.ok()) [[unlikely]]
        return Failure{in.error()};
    return packet;
}

std::optional<std::string_view> topic_of_beginning(Bytes beginning) {
    if (beginning.empty() || type_of(beginning) != PacketType::publish) return std::nullopt;
    const FixedHeader header = parse_fixed_header(beginning);
    // Without the whole fixed header, the place of the topic is unknown.
    if (header.state != FixedHeader::State::complete) return std::nullopt;
    Reader in(beginning.subspan(header.size));
    const std::string_view topic = as_text(in.prefixed());
    return in.ok() && is_wildcard_free_utf8(topic) ? std::optional(topic) : std::nullopt;
}

namespace {

std::size_t remaining_length(const Publish& packet, Version version) {
    // 2 bytes for the length of the topic; 2 bytes for the packet id, which QoS 0 does not have [MQTT-2.2.1-2].
    return 2 + packet.topic.size() + (packet.qos != QoS::at_most_once ? 2 : 0) +
           (version == Version::v5 ? block_size(packet.properties) : 0) + packet.payload.size();
}

}  // namespace

[[gnu::hot]] std::size_t encoded_size(const Publish& packet, Version version) {
    return packet_size(remaining_length(packet, version));
}

[[gnu::hot]] void encode_publish_head(const Publish& packet, Version version, Writer& out) {
    const unsigned flags =
        (packet.dup ? 0x08U : 0U) | static_cast<unsigned>(packet.qos) << 1U | (packet.retain ? 0x01U : 0U);
    write_fixed_header(PacketType::publish, flags, remaining_length(packet, version), out);
    out.prefixed(packet.topic);
    if (packet.qos != QoS::at_most_once) out.u16(packet.packet_id);
    if (version == Version::v5) write_properties(packet.properties, out);
}

[[gnu::hot]] void encode(const Publish& packet, Version version, Writer& out) {
    encode_publish_head(packet, version, out);
    out.raw(packet.payload);
}

}  // namespace ledge::wire
