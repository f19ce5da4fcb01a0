// CONNECT (5.0 section 3.1, 3.1.1 section 3.1, and MQTT 3.1). This packet decides the protocol version of a connection.
//   connect := 0x10 remaining:variable  name:prefixed level:u8 flags:u8 keep_alive:u16 [properties, v5]
//              client_id:prefixed [[will_properties, v5] will_topic:prefixed will_payload:prefixed]
//              [user_name:prefixed] [password:prefixed]
//   flags   := user_name:1 password:1 will_retain:1 will_qos:2 will:1 clean_start:1 reserved:1
#include "fixed_header.hpp"
#include "ledge/wire/packets.hpp"
#include "property_block.hpp"
#include "text.hpp"

namespace ledge::wire {

namespace {

// No standard defines this bit; the bridges of Mosquitto set it.
constexpr std::uint8_t bridge_bit = 0x80;

struct Flags {
    explicit Flags(std::uint8_t byte)
        : user_name((byte & 0x80U) != 0),
          password((byte & 0x40U) != 0),
          will_retain((byte & 0x20U) != 0),
          will_qos(byte >> 3U & 0x03U),
          will((byte & 0x04U) != 0),
          clean_start((byte & 0x02U) != 0),
          reserved((byte & 0x01U) != 0) {}
    bool user_name, password, will_retain;
    unsigned will_qos;
    bool will, clean_start, reserved;
};

struct Protocol {
    Version version;
    bool is_bridge;
};

/// Returns the protocol with this name and level. Bridges of other brokers set the high bit of a 3.x level.
std::optional<Protocol> protocol_of(std::string_view name, std::uint8_t level) {
    const bool is_bridge = (level & bridge_bit) != 0;
    const unsigned bare_level = level & 0x7FU;
    // No bridge bit in v5: there, the subscription options No Local and Retain As Published have its effect.
    if (name == "MQTT" && level == 5) return Protocol{Version::v5, false};
    if (name == "MQTT" && bare_level == 4) return Protocol{Version::v3_1_1, is_bridge};
    if (name == "MQIsdp" && bare_level == 3) return Protocol{Version::v3_1, is_bridge};
    return std::nullopt;
}

/// [MQTT-3.1.2-1] [MQTT-3.1.2-2] allow the answer 0x84 to another name or level.
void read_protocol(Reader& in, Connect& packet) {
    const std::string_view name = in.text();
    const std::uint8_t level = in.u8();
    if (!in.ok()) return;
    const std::optional<Protocol> protocol = protocol_of(name, level);
    if (!protocol) return in.fail(Rule::protocol);
    packet.version = protocol->version;
    packet.is_bridge = protocol->is_bridge;
}

void check_flags(Reader& in, const Flags& flags, Version version) {
    if (version != Version::v5)  // 3.1.1 [MQTT-3.1.2-22]
        in.require(flags.user_name || !flags.password, Rule::password_without_user_name);
    // Checked for all versions, because no version can deliver a will with this QoS.
    if (flags.will) in.require(flags.will_qos != 3, Rule::will_qos);  // [MQTT-3.1.2-12]
    // MQTT 3.1 ignores bit 0, and without a will also the other will bits.
    if (version == Version::v3_1) return;
    in.require(!flags.reserved, Rule::connect_reserved_flag);  // [MQTT-3.1.2-3]
    if (!flags.will)                                           // [MQTT-3.1.2-11] [MQTT-3.1.2-13]
        in.require(flags.will_qos == 0 && !flags.will_retain, Rule::will_flags_without_will);
}

void read_will(Reader& in, const Flags& flags, Connect& packet) {
    Will will;
    will.qos = static_cast<QoS>(flags.will_qos);
    will.retain = flags.will_retain;
    if (packet.version == Version::v5) will.properties = read_properties(in, in_will);
    // Not text(): the check below finds invalid UTF-8 and wildcards in one pass.
    will.topic = as_text(in.prefixed());
    // [MQTT-3.1.3-11] The will topic is UTF-8. It becomes the topic name of a later PUBLISH, so [MQTT-3.3.2-2] and
    // [MQTT-4.7.3-1] hold as well.
    in.require(!will.topic.empty(), Rule::will_topic_empty);
    if (!is_wildcard_free_utf8(will.topic))
        in.fail(has_wildcard(will.topic) ? Rule::will_topic_wildcard : Rule::not_utf8);
    will.payload = in.prefixed();
    packet.will = will;
}

void read_credentials(Reader& in, const Flags& flags, Connect& packet) {
    // In MQTT 3.1 the remaining length has precedence over the flags: strings that the flags announce may be missing.
    const auto is_missing = [&] { return packet.version == Version::v3_1 && in.at_end(); };
    if (flags.user_name && !is_missing()) packet.user_name = in.text();
    if (flags.password && !is_missing()) packet.password = in.prefixed();
}

}  // namespace

std::optional<Version> claimed_version(Bytes frame) {
    // The packet may be invalid in every other field. The answer to it needs the version all the same.
    Reader in = open_packet(frame, PacketType::connect).in;
    const std::string_view name = as_text(in.prefixed());
    const std::uint8_t level = in.u8();
    if (!in.ok()) return std::nullopt;
    if (name == "MQTT" && (level & 0x7FU) >= 5)
        return Version::v5;  // a client of a later version gets the CONNACK in the newest form that we know
    const std::optional<Protocol> protocol = protocol_of(name, level);
    return protocol ? std::optional(protocol->version) : std::nullopt;
}

Decoded<Connect> decode_connect(Bytes frame) {
    Reader in = open_packet(frame, PacketType::connect).in;
    Connect packet;
    read_protocol(in, packet);
    const Flags flags(in.u8());
    check_flags(in, flags, packet.version);
    packet.clean_start = flags.clean_start;
    packet.keep_alive_s = in.u16();
    if (packet.version == Version::v5) packet.properties = read_properties(in, PacketType::connect);
    packet.client_id = in.text();
    if (flags.will && in.ok()) read_will(in, flags, packet);
    read_credentials(in, flags, packet);
    in.require_end();
    // 3.1.1 [MQTT-3.1.3-8]: an empty client id needs a clean session. MQTT 3.1 demands 1 to 23 characters; like other
    // brokers, we enforce only the lower limit.
    if (packet.client_id.empty() && packet.version != Version::v5) {
        // Without a client id there is no session that a later connection could resume.
        const bool may_be_empty = packet.version == Version::v3_1_1 && packet.clean_start;
        in.require(may_be_empty, Rule::client_id_empty);
    }
    if (!in.ok()) return Failure{in.error()};
    return packet;
}

namespace {

std::string_view name_of(Version version) { return version == Version::v3_1 ? "MQIsdp" : "MQTT"; }

std::size_t remaining_length(const Connect& packet) {
    const bool is_v5 = packet.version == Version::v5;
    // Name with its length; level, flags and keep alive (4 bytes); client id with its length.
    std::size_t size = 2 + name_of(packet.version).size() + 4 + 2 + packet.client_id.size();
    if (is_v5) size += block_size(packet.properties);
    if (packet.will) {
        // Two lengths of 2 bytes each, for topic and payload.
        size += 4 + packet.will->topic.size() + packet.will->payload.size();
        if (is_v5) size += block_size(packet.will->properties);
    }
    if (packet.user_name) size += 2 + packet.user_name->size();
    if (packet.password) size += 2 + packet.password->size();
    return size;
}

std::uint8_t flags_of(const Connect& packet) {
    unsigned flags = packet.clean_start ? 0x02U : 0U;
    if (packet.will)
        flags |= 0x04U | static_cast<unsigned>(packet.will->qos) << 3U | (packet.will->retain ? 0x20U : 0U);
    if (packet.password) flags |= 0x40U;
    if (packet.user_name) flags |= 0x80U;
    return static_cast<std::uint8_t>(flags);
}

}  // namespace

std::size_t encoded_size(const Connect& packet) { return packet_size(remaining_length(packet)); }

void encode(const Connect& packet, Writer& out) {
    const bool is_v5 = packet.version == Version::v5;
    const auto level = static_cast<std::uint8_t>(packet.version);
    write_fixed_header(PacketType::connect, 0, remaining_length(packet), out);
    out.prefixed(name_of(packet.version));
    out.u8(packet.is_bridge && !is_v5 ? level | bridge_bit : level);
    out.u8(flags_of(packet));
    out.u16(packet.keep_alive_s);
    if (is_v5) write_properties(packet.properties, out);
    out.prefixed(packet.client_id);
    if (packet.will) {
        if (is_v5) write_properties(packet.will->properties, out);
        out.prefixed(packet.will->topic);
        out.prefixed(packet.will->payload);
    }
    if (packet.user_name) out.prefixed(*packet.user_name);
    if (packet.password) out.prefixed(*packet.password);
}

}  // namespace ledge::wire
