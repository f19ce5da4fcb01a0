// The basic types of the protocol: versions, packet types, QoS, reason codes. The value of each enumerator is its value
// on the wire. Stateless.
#pragma once

#include <cstdint>
#include <string_view>

namespace ledge::wire {

/// The value is the protocol level in CONNECT.
enum class Version : std::uint8_t { v3_1 = 3, v3_1_1 = 4, v5 = 5 };

/// The upper four bits of the first byte of a packet (5.0 table 2-1). Type 0 is reserved; `auth` is reserved before v5.
enum class PacketType : std::uint8_t {
    connect = 1,
    connack,
    publish,
    puback,
    pubrec,
    pubrel,
    pubcomp,
    subscribe,
    suback,
    unsubscribe,
    unsuback,
    pingreq,
    pingresp,
    disconnect,
    auth,
};

/// Quality of Service (5.0 section 4.3). The value 3 is malformed wherever a QoS is read.
enum class QoS : std::uint8_t { at_most_once = 0, at_least_once = 1, exactly_once = 2 };

/// MQTT 5 reason codes (5.0 section 2.4). The modules of the broker use only these codes to tell each other why a
/// request failed. The code for a 3.x client is chosen in one place: src/session/connack.cpp for CONNACK, encode of
/// SUBACK for SUBACK.
enum class ReasonCode : std::uint8_t {
    success = 0x00,
    granted_qos_1 = 0x01,
    granted_qos_2 = 0x02,
    disconnect_with_will = 0x04,
    no_matching_subscribers = 0x10,
    no_subscription_existed = 0x11,
    continue_authentication = 0x18,
    reauthenticate = 0x19,
    // From 0x80 on, each code means that a request has failed (5.0 section 2.4).
    unspecified_error = 0x80,
    malformed_packet = 0x81,
    protocol_error = 0x82,
    implementation_specific_error = 0x83,
    unsupported_protocol_version = 0x84,
    client_identifier_not_valid = 0x85,
    bad_user_name_or_password = 0x86,
    not_authorized = 0x87,
    server_unavailable = 0x88,
    server_busy = 0x89,
    banned = 0x8A,
    server_shutting_down = 0x8B,
    bad_authentication_method = 0x8C,
    keep_alive_timeout = 0x8D,
    session_taken_over = 0x8E,
    topic_filter_invalid = 0x8F,
    topic_name_invalid = 0x90,
    packet_identifier_in_use = 0x91,
    packet_identifier_not_found = 0x92,
    receive_maximum_exceeded = 0x93,
    topic_alias_invalid = 0x94,
    packet_too_large = 0x95,
    message_rate_too_high = 0x96,
    quota_exceeded = 0x97,
    administrative_action = 0x98,
    payload_format_invalid = 0x99,
    retain_not_supported = 0x9A,
    qos_not_supported = 0x9B,
    use_another_server = 0x9C,
    server_moved = 0x9D,
    shared_subscriptions_not_supported = 0x9E,
    connection_rate_exceeded = 0x9F,
    maximum_connect_time = 0xA0,
    subscription_identifiers_not_supported = 0xA1,
    wildcard_subscriptions_not_supported = 0xA2,
};

inline bool is_error(ReasonCode code) { return static_cast<std::uint8_t>(code) >= 0x80; }

/// Returns the name of the enumerator, for example "packet_too_large", for logs and tests.
std::string_view name_of(ReasonCode code);
std::string_view name_of(PacketType type);

inline constexpr std::uint32_t variable_integer_max = 268'435'455;  // largest remaining length (5.0 section 1.5.5)
inline constexpr std::uint32_t packet_size_max = variable_integer_max + 5;  // bytes of a whole packet

}  // namespace ledge::wire
