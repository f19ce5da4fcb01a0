// SUBSCRIBE (5.0 section 3.8, 3.1.1 section 3.8).
//   subscribe := 0x82 remaining:variable  packet_id:u16 [properties, v5] entry+
//   entry     := filter:prefixed options:u8
//   options   := reserved:2 retain_handling:2 retain_as_published:1 no_local:1 qos:2     3.x: reserved:6 qos:2
#include "fixed_header.hpp"
#include "ledge/wire/packets.hpp"
#include "property_block.hpp"

namespace ledge::wire {

namespace {

SubscribeOptions options_of(std::uint8_t byte) {
    SubscribeOptions options;
    options.qos = static_cast<QoS>(byte & 0x03U);
    options.no_local = (byte & 0x04U) != 0;
    options.retain_as_published = (byte & 0x08U) != 0;
    options.retain_handling = static_cast<RetainHandling>(byte >> 4U & 0x03U);
    return options;
}

std::uint8_t byte_of(const SubscribeOptions& options) {
    return static_cast<std::uint8_t>(static_cast<unsigned>(options.qos) | (options.no_local ? 0x04U : 0U) |
                                     (options.retain_as_published ? 0x08U : 0U) |
                                     static_cast<unsigned>(options.retain_handling) << 4U);
}

/// 3.1.1 has no option but the QoS. QoS 3 and every other set bit are malformed (3.1.1 [MQTT-3.8.3-4]). We apply the
/// same rule to MQTT 3.1.
void check_options_v3(Reader& in, std::uint8_t byte) { in.require(byte <= 0x02, Rule::options_v3); }

void check_options_v5(Reader& in, std::uint8_t byte, std::string_view filter) {
    in.require((byte & 0xC0U) == 0, Rule::options_reserved);            // [MQTT-3.8.3-5]
    in.require((byte & 0x03U) != 0x03, Rule::options_qos);              // 5.0 section 3.8.3.1: maximum QoS 3
    in.require((byte & 0x30U) != 0x30, Rule::options_retain_handling);  // 5.0 section 3.8.3.1: retain handling 3
    // 5.0 section 4.8.2: the prefix of a shared subscription.
    const bool is_shared = filter.starts_with("$share/");
    in.require((byte & 0x04U) == 0 || !is_shared, Rule::options_no_local);  // [MQTT-3.8.3-4]
}

}  // namespace

Decoded<Subscribe> decode_subscribe(Bytes frame, Version version) {
    Opened opened = open_packet(frame, PacketType::subscribe);
    require_no_dup(opened, version);
    Reader& in = opened.in;
    Subscribe packet;
    packet.packet_id = in.packet_id();
    if (version == Version::v5) packet.properties = read_properties(in, PacketType::subscribe);
    // A view of the packet, and no list in memory: the entries are read again when they are needed.
    packet.entries = SubscribeEntries(in.unread(), true);
    in.require(!in.at_end(), Rule::no_filter);  // [MQTT-3.8.3-2]
    while (!in.at_end()) {
        const std::string_view filter = in.text();  // [MQTT-3.8.3-1]
        const std::uint8_t options = in.u8();
        version == Version::v5 ? check_options_v5(in, options, filter) : check_options_v3(in, options);
    }
    if (!in.ok()) return Failure{in.error()};
    return packet;
}

void SubscribeEntries::Iterator::read() {
    at_ = rest_.data();
    if (rest_.empty()) return;
    Reader in(rest_);
    current_.filter = as_text(in.prefixed());
    current_.options = has_options_ ? options_of(in.u8()) : SubscribeOptions{};
    LEDGE_ASSERT(in.ok());  // decode has validated the list, or append_entry has written it
    rest_ = in.unread();
}

std::size_t SubscribeEntries::count() const {
    std::size_t count = 0;
    for (auto entry = begin(); entry != end(); ++entry) ++count;
    return count;
}

void append_entry(std::vector<Byte>& raw, const SubscribeEntry& entry, bool with_options) {
    const std::size_t size = 2 + entry.filter.size() + (with_options ? 1 : 0);
    raw.resize(raw.size() + size);
    Writer out(std::span<Byte>(raw).last(size));
    out.prefixed(entry.filter);
    if (with_options) out.u8(byte_of(entry.options));
}

namespace {

std::size_t remaining_length(const Subscribe& packet, Version version) {
    return 2 + (version == Version::v5 ? block_size(packet.properties) : 0) + packet.entries.raw().size();
}

}  // namespace

std::size_t encoded_size(const Subscribe& packet, Version version) {
    return packet_size(remaining_length(packet, version));
}

void encode(const Subscribe& packet, Version version, Writer& out) {
    write_fixed_header(PacketType::subscribe, 0x02, remaining_length(packet, version), out);
    out.u16(packet.packet_id);
    if (version == Version::v5) write_properties(packet.properties, out);
    if (version == Version::v5) return out.raw(packet.entries.raw());
    for (const SubscribeEntry& entry : packet.entries) {  // 3.x has only the QoS of the options
        out.prefixed(entry.filter);
        out.u8(static_cast<std::uint8_t>(entry.options.qos));
    }
}

}  // namespace ledge::wire
