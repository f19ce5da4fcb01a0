#include "link.hpp"

namespace ledge::sim {

using wire::PacketType;
using wire::PropertyId;

namespace {

bool describe_connect(Bytes frame, Event& event) {
    const auto packet = wire::decode_connect(frame);
    if (!packet.ok()) return false;
    event.version = packet->version;
    event.text = packet->client_id;
    event.flag = packet->clean_start;
    event.number = packet->keep_alive_s;
    event.receive_maximum = packet->properties.number(PropertyId::receive_maximum).value_or(65'535);
    event.packet_size_max = packet->properties.number(PropertyId::maximum_packet_size).value_or(0xFFFF'FFFF);
    event.alias_maximum = packet->properties.number(PropertyId::topic_alias_maximum).value_or(0);
    event.expiry_s = packet->properties.number(PropertyId::session_expiry_interval).value_or(0);
    return true;
}

bool describe_publish(Bytes frame, wire::Version version, std::map<std::uint32_t, std::string>& aliases, Event& event) {
    const auto packet = wire::decode_publish(frame, version);
    if (!packet.ok()) return false;
    event.packet_id = packet->packet_id;
    event.qos = packet->qos;
    event.dup = packet->dup;
    event.retain = packet->retain;
    event.text = packet->topic;
    event.number = packet->properties.number(PropertyId::topic_alias).value_or(0);
    event.expiry_s = packet->properties.number(PropertyId::message_expiry_interval).value_or(0);
    event.has_expiry = packet->properties.has(PropertyId::message_expiry_interval);
    for (auto property = packet->properties.begin(); property != packet->properties.end(); ++property) {
        if (property->id == PropertyId::subscription_identifier) event.ids.push_back(property->number);
    }
    if (event.number != 0 && !event.text.empty()) aliases[event.number] = event.text;
    if (event.number != 0 && event.text.empty()) event.text = aliases[event.number];
    event.label = read_payload(packet->payload);
    return true;
}

template <class Packet>
bool describe_coded(const wire::Decoded<Packet>& packet, Event& event) {
    if (!packet.ok()) return false;
    event.code = packet->code;
    return true;
}

template <class Packet>
bool describe_numbered(const wire::Decoded<Packet>& packet, Event& event) {
    if (!packet.ok()) return false;
    event.packet_id = packet->packet_id;
    return true;
}

// A refused subscription shows as the code of the whole.
bool describe_suback(const wire::Decoded<wire::Suback>& packet, Event& event) {
    if (!describe_numbered(packet, event)) return false;
    for (const Byte code : packet->codes) {
        if (code >= 0x80) event.code = static_cast<wire::ReasonCode>(code);
    }
    return true;
}

}  // namespace

std::size_t packet_size(Bytes stream, bool& is_broken) {
    std::size_t length = 0;
    for (std::size_t i = 1; i <= 4; ++i) {
        if (i >= stream.size()) return 0;
        length |= std::size_t{stream[i] & 0x7FU} << (7 * (i - 1));
        if (stream[i] < 0x80) return stream.size() < 1 + i + length ? 0 : 1 + i + length;
    }
    is_broken = true;
    return 0;
}

bool describe(Bytes frame, wire::Version version, std::map<std::uint32_t, std::string>& aliases, Event& event) {
    event.type = wire::type_of(frame);
    event.version = version;
    event.size = static_cast<std::uint32_t>(frame.size());
    switch (event.type) {
        case PacketType::connect: return describe_connect(frame, event);
        case PacketType::connack: {
            const auto packet = wire::decode_connack(frame, version);
            if (!packet.ok()) return false;
            event.flag = packet->session_present;
            event.code = packet->return_code_v3 != 0 ? wire::ReasonCode::unspecified_error : packet->code;
            return true;
        }
        case PacketType::publish: return describe_publish(frame, version, aliases, event);
        case PacketType::puback:
        case PacketType::pubrec:
        case PacketType::pubrel:
        case PacketType::pubcomp: {
            const auto packet = wire::decode_ack(frame, version);
            return describe_coded(packet, event) && describe_numbered(packet, event);
        }
        case PacketType::subscribe: return describe_numbered(wire::decode_subscribe(frame, version), event);
        case PacketType::suback: return describe_suback(wire::decode_suback(frame, version), event);
        case PacketType::unsubscribe: return describe_numbered(wire::decode_unsubscribe(frame, version), event);
        case PacketType::unsuback: return describe_numbered(wire::decode_unsuback(frame, version), event);
        case PacketType::pingreq: return wire::decode_pingreq(frame).ok();
        case PacketType::pingresp: return wire::decode_pingresp(frame).ok();
        case PacketType::disconnect: return describe_coded(wire::decode_disconnect(frame, version), event);
        case PacketType::auth: return describe_coded(wire::decode_auth(frame, version), event);
    }
    return false;
}

}  // namespace ledge::sim
