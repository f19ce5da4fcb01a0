// Packet to and from the wire. Encoding is this file's own, free to be wrong; decoding asks the broker's codec.
#include <algorithm>

#include "packet.hpp"

namespace ledge::spec {

std::string bytes(std::initializer_list<int> values) {
    std::string out;
    for (const int value : values) out += static_cast<char>(static_cast<unsigned char>(value));
    return out;
}

std::string repeat(char value, std::size_t count) { return std::string(count, value); }

namespace {

std::string big_endian(std::uint32_t value, int size) {
    std::string out;
    for (int at = size - 1; at >= 0; --at) out += static_cast<char>(static_cast<unsigned char>(value >> (8 * at)));
    return out;
}

std::string one(const PropertyValue& property) {
    std::string out = big_endian(static_cast<std::uint32_t>(property.id), 1);
    const wire::PropertyRule* rule = wire::rule_of(static_cast<std::uint8_t>(property.id));
    if (rule == nullptr) return out + property.text;
    switch (rule->type) {
        case wire::PropertyType::byte: return out + big_endian(property.number, 1);
        case wire::PropertyType::u16: return out + big_endian(property.number, 2);
        case wire::PropertyType::u32: return out + big_endian(property.number, 4);
        case wire::PropertyType::variable: return out + variable(property.number);
        case wire::PropertyType::binary:
        case wire::PropertyType::text: return out + text(property.text);
        case wire::PropertyType::text_pair: return out + text(property.name) + text(property.text);
    }
    return out;
}

std::string id_of(const Packet& packet) { return packet.packet_id ? big_endian(*packet.packet_id, 2) : std::string(); }

std::string codes_of(const Packet& packet) { return std::string(packet.codes.begin(), packet.codes.end()); }

int first_byte(const Packet& packet) {
    const int type = static_cast<int>(packet.type) << 4;
    switch (packet.type) {
        case PacketType::publish:
            return type | (packet.is_dup ? 8 : 0) | static_cast<int>(packet.qos_level) << 1 |
                   (packet.is_retained ? 1 : 0);
        case PacketType::pubrel:
        case PacketType::subscribe:
        case PacketType::unsubscribe: return type | 2;
        default: return type;
    }
}

std::string entries_of(const Packet& packet, Version version) {
    std::string out;
    for (const auto& filter : packet.filters) {
        out += text(filter.text);
        if (packet.type != PacketType::subscribe) continue;
        out += static_cast<char>(version == v5 ? filter.options() : static_cast<std::uint8_t>(filter.qos));
    }
    return out;
}

std::string body_of(const Packet& packet, Version version) {
    const std::string properties = version == v5 ? encode(packet.properties) : std::string();
    const bool is_plain = packet.properties.empty() && codes_of(packet) == std::string(1, '\0');
    switch (packet.type) {
        case PacketType::publish: return text(packet.topic) + id_of(packet) + properties + packet.payload;
        case PacketType::puback:
        case PacketType::pubrec:
        case PacketType::pubrel:
        case PacketType::pubcomp:
            if (version != v5 || is_plain) return id_of(packet);
            return id_of(packet) + codes_of(packet) + (packet.properties.empty() ? "" : properties);
        case PacketType::subscribe:
        case PacketType::unsubscribe: return id_of(packet) + properties + entries_of(packet, version);
        case PacketType::suback:
        case PacketType::unsuback: return id_of(packet) + properties + codes_of(packet);
        case PacketType::connack: return bytes({packet.has_session ? 1 : 0}) + codes_of(packet) + properties;
        case PacketType::disconnect:
        case PacketType::auth:
            if (version != v5 || is_plain) return {};
            return codes_of(packet) + (packet.properties.empty() ? "" : properties);
        default: return {};
    }
}

PropertyValues owned(const wire::Properties& properties) {
    PropertyValues out;
    for (const auto& property : properties)
        out.push_back({property.id, property.number, std::string(property.text), std::string(property.name)});
    return out;
}

template <class T>
Received refused(const wire::Decoded<T>& decoded) {
    return {{}, describe(decoded.error())};
}

Received connack_of(Bytes frame, Version version) {
    const auto decoded = wire::decode_connack(frame, version);
    if (!decoded) return refused(decoded);
    Packet packet = connack(decoded->code).session_present(decoded->session_present);
    if (version != v5) packet.return_code(decoded->return_code_v3);
    packet.properties = owned(decoded->properties);
    return {packet};
}

Received publish_of(Bytes frame, Version version) {
    const auto decoded = wire::decode_publish(frame, version);
    if (!decoded) return refused(decoded);
    Packet packet = publish(decoded->topic, as_text(decoded->payload)).qos(decoded->qos);
    packet.dup(decoded->dup).retained(decoded->retain);
    if (decoded->packet_id != 0) packet.id(decoded->packet_id);
    packet.properties = owned(decoded->properties);
    return {packet};
}

Received ack_of(Bytes frame, Version version) {
    const auto decoded = wire::decode_ack(frame, version);
    if (!decoded) return refused(decoded);
    Packet packet = puback(decoded->packet_id, decoded->code);
    packet.type = decoded->type;
    packet.properties = owned(decoded->properties);
    return {packet};
}

Received suback_of(Bytes frame, Version version) {
    const bool is_suback = wire::type_of(frame) == PacketType::suback;
    const auto decoded = is_suback ? wire::decode_suback(frame, version) : wire::decode_unsuback(frame, version);
    if (!decoded) return refused(decoded);
    Packet packet = suback(decoded->packet_id, {decoded->codes.begin(), decoded->codes.end()});
    packet.type = is_suback ? PacketType::suback : PacketType::unsuback;
    packet.properties = owned(decoded->properties);
    return {packet};
}

Received disconnect_of(Bytes frame, Version version) {
    const auto decoded = wire::decode_disconnect(frame, version);
    if (!decoded) return refused(decoded);
    Packet packet = disconnect(decoded->code);
    packet.properties = owned(decoded->properties);
    return {packet};
}

Received auth_of(Bytes frame, Version version) {
    const auto decoded = wire::decode_auth(frame, version);
    if (!decoded) return refused(decoded);
    Packet packet = auth(decoded->code, "");
    packet.properties = owned(decoded->properties);
    return {packet};
}

}  // namespace

std::string text(std::string_view value) {
    return big_endian(static_cast<std::uint32_t>(value.size()), 2) + std::string(value);
}

std::string variable(std::uint32_t value) {
    std::string out;
    while (value >= 0x80) {
        out += static_cast<char>(static_cast<unsigned char>(value | 0x80U));
        value >>= 7U;
    }
    return out + static_cast<char>(value);
}

std::string frame(int first, std::string_view body) {
    return bytes({first}) + variable(static_cast<std::uint32_t>(body.size())) + std::string(body);
}

std::string encode(const PropertyValues& properties) {
    std::string out;
    for (const auto& property : properties) out += one(property);
    return variable(static_cast<std::uint32_t>(out.size())) + out;
}

std::string encode(const Packet& packet, Version version) {
    return frame(first_byte(packet), body_of(packet, version));
}

Received decode(Bytes frame, Version version) {
    switch (wire::type_of(frame)) {
        case PacketType::connack: return connack_of(frame, version);
        case PacketType::publish: return publish_of(frame, version);
        case PacketType::puback:
        case PacketType::pubrec:
        case PacketType::pubrel:
        case PacketType::pubcomp: return ack_of(frame, version);
        case PacketType::suback:
        case PacketType::unsuback: return suback_of(frame, version);
        case PacketType::pingresp: {
            const auto decoded = wire::decode_pingresp(frame);
            return decoded ? Received{pingresp()} : refused(decoded);
        }
        case PacketType::disconnect: return disconnect_of(frame, version);
        case PacketType::auth: return auth_of(frame, version);
        default: return {{}, "a packet that only clients send"};
    }
}

}  // namespace ledge::spec
