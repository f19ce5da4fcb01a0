// Packet: one MQTT control packet as a script speaks of it, with owned fields. The same object is sent by a client
// (encoded here, independently of the broker's codec, so that it can also be wrong) and expected from the broker
// (compared with what came). What an expectation leaves out:
//   PUBLISH            payload, topic, QoS, DUP, RETAIN and all properties are compared; the packet id only when given
//   all other packets  properties are compared only when listed, codes default to success
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/wire/packets.hpp"

namespace ledge::spec {

using wire::PacketType;
using wire::PropertyId;
using wire::QoS;
using wire::ReasonCode;
using wire::Version;

inline constexpr Version v31 = Version::v3_1;
inline constexpr Version v311 = Version::v3_1_1;
inline constexpr Version v5 = Version::v5;
inline constexpr Version every_version[] = {v31, v311, v5};
inline constexpr Version standard_versions[] = {v311, v5};
inline constexpr Version versions_3[] = {v31, v311};

struct PropertyValue {
    PropertyId id{};
    std::uint32_t number = 0;
    std::string text{};  // text, binary, value of a pair
    std::string name{};  // name of a pair
    friend bool operator==(const PropertyValue&, const PropertyValue&) = default;
};

using PropertyValues = std::vector<PropertyValue>;
using PacketIds = std::initializer_list<std::uint16_t>;

/// One entry of a SUBSCRIBE or UNSUBSCRIBE.
struct Filter {
    Filter(std::string_view filter_text, QoS filter_qos = QoS::at_most_once) : text(filter_text), qos(filter_qos) {}
    Filter(const char* filter_text, QoS filter_qos = QoS::at_most_once) : text(filter_text), qos(filter_qos) {}
    Filter& no_local() {
        has_no_local = true;
        return *this;
    }
    Filter& as_published() {
        has_retain_as_published = true;
        return *this;
    }
    Filter& handling(int value) {
        retain_handling = value;
        return *this;
    }
    std::uint8_t options() const;

    std::string text;
    QoS qos;
    bool has_no_local = false;
    bool has_retain_as_published = false;
    int retain_handling = 0;
};

struct Packet {
    PacketType type = PacketType::pingreq;

    // PUBLISH
    std::string topic{};
    std::string payload{};
    QoS qos_level = QoS::at_most_once;
    bool is_dup = false;
    bool is_retained = false;
    bool ignores_dup = false;  // expectation: either is right

    std::optional<std::uint16_t> packet_id{};
    std::vector<std::uint8_t> codes{0};  // reason or return codes as on the wire; one, except SUBACK and UNSUBACK
    bool has_session = false;            // CONNACK
    std::vector<Filter> filters{};       // SUBSCRIBE, UNSUBSCRIBE
    PropertyValues properties{};
    std::vector<PropertyId> absent{};  // expectation: must not be there
    bool is_any_payload = false;
    bool ignores_properties = false;

    Packet& id(std::uint16_t value);
    Packet& qos(QoS value);
    Packet& qos1(std::uint16_t id_value);
    Packet& qos2(std::uint16_t id_value);
    Packet& dup(bool value = true);
    Packet& maybe_dup();
    Packet& retained(bool value = true);
    Packet& session_present(bool value = true);
    Packet& code(ReasonCode value);
    Packet& return_code(std::uint8_t value);
    Packet& with(PropertyId property, std::uint32_t number);
    Packet& with(PropertyId property, std::string_view text);
    Packet& user(std::string_view name, std::string_view value);
    Packet& without(PropertyId property);
    Packet& any_payload();
    Packet& any_properties();

    std::optional<std::uint32_t> number(PropertyId property) const;
    std::optional<std::string> text(PropertyId property) const;
    bool has(PropertyId property) const;
};

Packet connack(ReasonCode code = ReasonCode::success);
Packet connack_v3(std::uint8_t return_code);
Packet publish(std::string_view topic, std::string_view payload = "");
Packet puback(std::uint16_t id, ReasonCode code = ReasonCode::success);
Packet pubrec(std::uint16_t id, ReasonCode code = ReasonCode::success);
Packet pubrel(std::uint16_t id, ReasonCode code = ReasonCode::success);
Packet pubcomp(std::uint16_t id, ReasonCode code = ReasonCode::success);
Packet subscribe(std::uint16_t id, std::vector<Filter> filters);
Packet suback(std::uint16_t id, std::vector<std::uint8_t> codes);
Packet unsubscribe(std::uint16_t id, std::vector<Filter> filters);
Packet unsuback(std::uint16_t id, std::vector<std::uint8_t> codes = {});
Packet pingreq();
Packet pingresp();
Packet disconnect(ReasonCode code = ReasonCode::success);
Packet auth(ReasonCode code, std::string_view method, std::optional<std::string_view> data = std::nullopt);

/// The packet on the wire. No rule is checked: what the packet says is what is sent.
std::string encode(const Packet& packet, Version version);
std::string encode(const PropertyValues& properties);  // with the length in front

/// Decodes what the broker sent with the broker's own codec; the error text says what it would not take.
struct Received {
    Packet packet;
    std::string error{};  // empty: decoded
};
Received decode(Bytes frame, Version version);

/// Empty when `got` is what `expected` asks for, otherwise the first difference.
std::string difference(const Packet& expected, const Packet& got, Version version);

std::string describe(const Packet& packet);
std::string describe(const PropertyValue& property);
std::string describe(ReasonCode code);

// Bytes by hand, for packets that must be wrong.
std::string bytes(std::initializer_list<int> values);
std::string text(std::string_view value);                  // two bytes of length in front
std::string variable(std::uint32_t value);                 // variable byte integer
std::string frame(int first_byte, std::string_view body);  // fixed header in front
std::string repeat(char value, std::size_t count);

}  // namespace ledge::spec
