// decoder_fuzz: input := version:u8 first_byte:u8 body. Whatever decodes is encoded again and must decode to the same.
#include <string>

#include "input.hpp"
#include "ledge/wire/framer.hpp"
#include "ledge/wire/packets.hpp"
#include "require.hpp"

namespace {

using namespace ledge;
using namespace ledge::wire;

// Everything a packet says, as text: two packets with the same text are the same.

void add(std::string& out, std::uint64_t value) { out += std::to_string(value) + ' '; }
void add(std::string& out, std::string_view text) { (out += std::to_string(text.size()) + ':') += text; }
void add(std::string& out, Bytes bytes) { add(out, as_text(bytes)); }

void add(std::string& out, const Properties& properties) {
    add(out, properties.seen());
    for (auto property = properties.begin(); property != properties.end(); ++property) {
        add(out, static_cast<std::uint64_t>(property->id));
        add(out, property->number);
        add(out, property->name);
        add(out, property->text);
    }
}

void add(std::string& out, const SubscribeEntries& entries) {
    std::size_t count = 0;
    for (const SubscribeEntry& entry : entries) {
        ++count;
        add(out, entry.filter);
        add(out, static_cast<std::uint64_t>(entry.options.qos));
        add(out, (entry.options.no_local ? 1U : 0U) + (entry.options.retain_as_published ? 2U : 0U));
        add(out, static_cast<std::uint64_t>(entry.options.retain_handling));
    }
    fuzz::require(count > 0 && count == entries.count(), "entries are counted");
}

std::string text_of(const Connect& packet) {
    std::string out;
    add(out,
        static_cast<std::uint64_t>(packet.version) + (packet.is_bridge ? 256U : 0U) + (packet.clean_start ? 512U : 0U));
    add(out, packet.client_id);
    add(out, packet.keep_alive_s);
    if (packet.user_name) add(out, *packet.user_name);
    add(out, packet.password ? 1U : 0U);
    if (packet.password) add(out, *packet.password);
    add(out, packet.properties);
    if (!packet.will) return out;
    add(out, packet.will->topic);
    add(out, packet.will->payload);
    add(out, static_cast<std::uint64_t>(packet.will->qos) + (packet.will->retain ? 4U : 0U));
    add(out, packet.will->properties);
    return out;
}

std::string text_of(const Publish& packet) {
    std::string out;
    add(out, packet.topic);
    add(out, packet.payload);
    add(out, static_cast<std::uint64_t>(packet.qos) + (packet.retain ? 4U : 0U) + (packet.dup ? 8U : 0U));
    add(out, packet.packet_id);
    add(out, packet.properties);
    return out;
}

// The rest has some of these members each.
template <class Packet>
std::string text_of(const Packet& packet) {
    std::string out;
    if constexpr (requires { packet.type; }) add(out, static_cast<std::uint64_t>(packet.type));
    if constexpr (requires { packet.packet_id; }) add(out, packet.packet_id);
    if constexpr (requires { packet.code; }) add(out, static_cast<std::uint64_t>(packet.code));
    if constexpr (requires { packet.session_present; })
        add(out, (packet.session_present ? 256U : 0U) + packet.return_code_v3);
    if constexpr (requires { packet.codes; }) add(out, packet.codes);
    if constexpr (requires { packet.entries; }) add(out, packet.entries);
    if constexpr (requires { packet.properties; }) add(out, packet.properties);
    return out;
}

template <class Decode, class Encode, class Size>
void round_trip(Bytes frame, Decode decode, Encode encode_it, Size size_of) {
    const auto packet = decode(frame);
    if (!packet.ok()) {
        fuzz::require(is_error(packet.error()), "a refusal has an error code");
        return;
    }
    std::vector<Byte> again(size_of(*packet));
    Writer writer(again);
    encode_it(*packet, writer);
    fuzz::require(writer.written() == again.size(), "encode fills encoded_size");
    const auto second = decode(Bytes(again));
    fuzz::require(second.ok(), "what is encoded decodes");
    fuzz::require(text_of(*packet) == text_of(*second), "encode is the inverse of decode");
}

template <class Decode>
void round_trip_versioned(Bytes frame, Version version, Decode decode) {
    round_trip(
        frame, [&](Bytes bytes) { return decode(bytes, version); },
        [&](const auto& packet, Writer& out) { encode(packet, version, out); },
        [&](const auto& packet) { return encoded_size(packet, version); });
}

void decode_any(Bytes frame, Version version) {
    switch (type_of(frame)) {
        case PacketType::connect:
            return round_trip(
                frame, decode_connect, [](const Connect& packet, Writer& out) { encode(packet, out); },
                [](const Connect& packet) { return encoded_size(packet); });
        case PacketType::connack: return round_trip_versioned(frame, version, decode_connack);
        case PacketType::publish: return round_trip_versioned(frame, version, decode_publish);
        case PacketType::puback:
        case PacketType::pubrec:
        case PacketType::pubrel:
        case PacketType::pubcomp: return round_trip_versioned(frame, version, decode_ack);
        case PacketType::subscribe: return round_trip_versioned(frame, version, decode_subscribe);
        case PacketType::suback: return round_trip_versioned(frame, version, decode_suback);
        case PacketType::unsubscribe: return round_trip_versioned(frame, version, decode_unsubscribe);
        case PacketType::unsuback: return round_trip_versioned(frame, version, decode_unsuback);
        case PacketType::pingreq: static_cast<void>(decode_pingreq(frame).ok()); return;
        case PacketType::pingresp: static_cast<void>(decode_pingresp(frame).ok()); return;
        case PacketType::disconnect: return round_trip_versioned(frame, version, decode_disconnect);
        case PacketType::auth: return round_trip_versioned(frame, version, decode_auth);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    constexpr Version versions[] = {Version::v5, Version::v3_1_1, Version::v3_1};
    const Version version = versions[input.below(3)];
    const Byte first = input.byte();
    const std::vector<Byte> body = input.bytes(1U << 16U);
    std::vector<Byte> stream(1 + variable_size(static_cast<std::uint32_t>(body.size())) + body.size());
    Writer writer(stream);
    writer.u8(first);
    writer.variable(static_cast<std::uint32_t>(body.size()));
    writer.raw(body);

    Framer framer;
    Bytes rest(stream);
    const Framer::Next next = framer.next(rest, variable_integer_max);
    if (next.status == Framer::Status::frame) decode_any(next.frame, version);
    return 0;
}
