// Packet: building, comparing and printing. Its way to and from the wire is in packet_wire.cpp.
#include "packet.hpp"

#include <algorithm>
#include <cstdio>

namespace ledge::spec {

std::uint8_t Filter::options() const {
    const unsigned flags = (has_no_local ? 4U : 0U) | (has_retain_as_published ? 8U : 0U);
    return static_cast<std::uint8_t>(static_cast<unsigned>(qos) | flags | static_cast<unsigned>(retain_handling) << 4U);
}

Packet& Packet::id(std::uint16_t value) {
    packet_id = value;
    return *this;
}

Packet& Packet::qos(QoS value) {
    qos_level = value;
    return *this;
}

Packet& Packet::qos1(std::uint16_t id_value) { return qos(QoS::at_least_once).id(id_value); }
Packet& Packet::qos2(std::uint16_t id_value) { return qos(QoS::exactly_once).id(id_value); }

Packet& Packet::dup(bool value) {
    is_dup = value;
    return *this;
}

Packet& Packet::maybe_dup() {
    ignores_dup = true;
    return *this;
}

Packet& Packet::retained(bool value) {
    is_retained = value;
    return *this;
}

Packet& Packet::session_present(bool value) {
    has_session = value;
    return *this;
}

Packet& Packet::code(ReasonCode value) { return return_code(static_cast<std::uint8_t>(value)); }

Packet& Packet::return_code(std::uint8_t value) {
    codes = {value};
    return *this;
}

Packet& Packet::with(PropertyId property, std::uint32_t number) {
    properties.push_back({property, number, {}, {}});
    return *this;
}

Packet& Packet::with(PropertyId property, std::string_view value) {
    properties.push_back({property, 0, std::string(value), {}});
    return *this;
}

Packet& Packet::user(std::string_view name, std::string_view value) {
    properties.push_back({PropertyId::user_property, 0, std::string(value), std::string(name)});
    return *this;
}

Packet& Packet::without(PropertyId property) {
    absent.push_back(property);
    return *this;
}

Packet& Packet::any_payload() {
    is_any_payload = true;
    return *this;
}

Packet& Packet::any_properties() {
    ignores_properties = true;
    return *this;
}

std::optional<std::uint32_t> Packet::number(PropertyId property) const {
    for (const auto& value : properties)
        if (value.id == property) return value.number;
    return std::nullopt;
}

std::optional<std::string> Packet::text(PropertyId property) const {
    for (const auto& value : properties)
        if (value.id == property) return value.text;
    return std::nullopt;
}

bool Packet::has(PropertyId property) const { return number(property).has_value(); }

namespace {

Packet of(PacketType type) {
    Packet packet;
    packet.type = type;
    return packet;
}

Packet ack(PacketType type, std::uint16_t id, ReasonCode code) {
    Packet packet = of(type);
    packet.packet_id = id;
    return packet.code(code);
}

std::string quoted(std::string_view value) {
    std::string out = "\"";
    for (const char c : value.substr(0, 60)) {
        if (c >= ' ' && c != '"' && c != '\x7f') {
            out += c;
        } else {
            char buffer[8];
            std::snprintf(buffer, sizeof buffer, "\\x%02x", static_cast<unsigned>(static_cast<unsigned char>(c)));
            out += buffer;
        }
    }
    if (value.size() > 60) out += "... " + std::to_string(value.size()) + " bytes";
    return out + '"';
}

bool is_acknowledgement(PacketType type) {
    return type == PacketType::puback || type == PacketType::pubrec || type == PacketType::pubrel ||
           type == PacketType::pubcomp;
}

bool contains(const PropertyValues& all, const PropertyValue& one) {
    return std::find(all.begin(), all.end(), one) != all.end();
}

/// Order matters among User Properties only [MQTT-3.3.2-18].
bool same_properties(PropertyValues left, PropertyValues right) {
    const auto by_id = [](const PropertyValue& a, const PropertyValue& b) { return a.id < b.id; };
    std::stable_sort(left.begin(), left.end(), by_id);
    std::stable_sort(right.begin(), right.end(), by_id);
    return left == right;
}

std::string difference_of_publish(const Packet& expected, const Packet& got) {
    if (expected.topic != got.topic) return "topic";
    if (!expected.is_any_payload && expected.payload != got.payload) return "payload";
    if (expected.qos_level != got.qos_level) return "QoS";
    if (!expected.ignores_dup && expected.is_dup != got.is_dup) return "DUP";
    if (expected.is_retained != got.is_retained) return "RETAIN";
    if (!expected.ignores_properties && !same_properties(expected.properties, got.properties)) return "properties";
    return "";
}

/// 3.x carries no codes in PUBACK … UNSUBACK and DISCONNECT.
bool has_codes(PacketType type, Version version) {
    if (version == v5) return type != PacketType::pingresp;
    return type == PacketType::connack || type == PacketType::suback;
}

}  // namespace

Packet connack(ReasonCode code) { return of(PacketType::connack).code(code); }
Packet connack_v3(std::uint8_t return_code) { return of(PacketType::connack).return_code(return_code); }

Packet publish(std::string_view topic, std::string_view payload) {
    Packet packet = of(PacketType::publish);
    packet.topic = topic;
    packet.payload = payload;
    return packet;
}

Packet puback(std::uint16_t id, ReasonCode code) { return ack(PacketType::puback, id, code); }
Packet pubrec(std::uint16_t id, ReasonCode code) { return ack(PacketType::pubrec, id, code); }
Packet pubrel(std::uint16_t id, ReasonCode code) { return ack(PacketType::pubrel, id, code); }
Packet pubcomp(std::uint16_t id, ReasonCode code) { return ack(PacketType::pubcomp, id, code); }

Packet subscribe(std::uint16_t id, std::vector<Filter> filters) {
    Packet packet = of(PacketType::subscribe).id(id);
    packet.filters = std::move(filters);
    return packet;
}

Packet suback(std::uint16_t id, std::vector<std::uint8_t> codes) {
    Packet packet = of(PacketType::suback).id(id);
    packet.codes = std::move(codes);
    return packet;
}

Packet unsubscribe(std::uint16_t id, std::vector<Filter> filters) {
    Packet packet = of(PacketType::unsubscribe).id(id);
    packet.filters = std::move(filters);
    return packet;
}

Packet unsuback(std::uint16_t id, std::vector<std::uint8_t> codes) {
    Packet packet = of(PacketType::unsuback).id(id);
    packet.codes = std::move(codes);
    return packet;
}

Packet pingreq() { return of(PacketType::pingreq); }
Packet pingresp() { return of(PacketType::pingresp); }
Packet disconnect(ReasonCode code) { return of(PacketType::disconnect).code(code); }

Packet auth(ReasonCode code, std::string_view method, std::optional<std::string_view> data) {
    Packet packet = of(PacketType::auth).code(code);
    if (!method.empty()) packet.with(PropertyId::authentication_method, method);
    if (data) packet.with(PropertyId::authentication_data, *data);
    return packet;
}

std::string difference(const Packet& expected, const Packet& got, Version version) {
    if (expected.type != got.type) return "packet type";
    if (expected.packet_id && expected.packet_id != got.packet_id) return "packet id";
    if (expected.type == PacketType::publish) {
        const std::string found = difference_of_publish(expected, got);
        if (!found.empty()) return found;
    } else {
        if (has_codes(expected.type, version) && expected.codes != got.codes) return "code";
        if (expected.type == PacketType::connack && expected.has_session != got.has_session) return "session present";
        for (const auto& property : expected.properties)
            if (!contains(got.properties, property)) return "property " + describe(property);
    }
    for (const auto property : expected.absent)
        if (got.has(property)) return "a property that must not be there";
    return "";
}

std::string describe(ReasonCode code) {
    char buffer[8];
    std::snprintf(buffer, sizeof buffer, "0x%02X", static_cast<unsigned>(code));
    return std::string(buffer) + " " + std::string(wire::name_of(code));
}

std::string describe(const PropertyValue& property) {
    const wire::PropertyRule* rule = wire::rule_of(static_cast<std::uint8_t>(property.id));
    char buffer[8];
    std::snprintf(buffer, sizeof buffer, "%02X", static_cast<unsigned>(property.id));
    std::string out = std::string("property 0x") + buffer + "=";
    if (rule == nullptr) return out + "?";
    switch (rule->type) {
        case wire::PropertyType::text_pair: return out + quoted(property.name) + ":" + quoted(property.text);
        case wire::PropertyType::text:
        case wire::PropertyType::binary: return out + quoted(property.text);
        default: return out + std::to_string(property.number);
    }
}

std::string describe(const Packet& packet) {
    std::string out(wire::name_of(packet.type));
    if (packet.type == PacketType::publish) {
        out += " " + quoted(packet.topic) + " " + (packet.is_any_payload ? "(any)" : quoted(packet.payload)) + " QoS " +
               std::to_string(static_cast<int>(packet.qos_level));
        if (packet.is_dup) out += " DUP";
        if (packet.is_retained) out += " RETAIN";
    }
    if (packet.packet_id) out += " id " + std::to_string(*packet.packet_id);
    if (is_acknowledgement(packet.type) || packet.type == PacketType::connack || packet.type == PacketType::suback ||
        packet.type == PacketType::unsuback || packet.type == PacketType::disconnect || packet.type == PacketType::auth)
        for (const auto code : packet.codes) out += " " + describe(static_cast<ReasonCode>(code));
    if (packet.has_session) out += " session present";
    for (const auto& filter : packet.filters)
        out += " " + quoted(filter.text) + "/" + std::to_string(static_cast<int>(filter.options()));
    for (const auto& property : packet.properties) out += " " + describe(property);
    return out;
}

}  // namespace ledge::spec
