// The rules of the standard that a packet can break. One table gives each rule its reason code for a v5 peer, and its
// text with the clause for logs and Reason Strings. Stateless.
#pragma once

#include <cstdint>
#include <string_view>

#include "ledge/wire/types.hpp"

namespace ledge::wire {

enum class Rule : std::uint8_t {
    none,  // the packet breaks no rule
    // Every packet
    fixed_header,
    cut_short,
    trailing_bytes,
    not_utf8,
    length_encoding,
    packet_id_zero,
    dup_flag,
    reason_code,
    // Properties
    property_unknown,
    property_repeated,
    property_value,
    topic_alias_zero,
    response_topic,
    authentication_data_alone,
    // CONNECT
    protocol,
    connect_reserved_flag,
    will_flags_without_will,
    will_qos,
    will_topic_empty,
    will_topic_wildcard,
    password_without_user_name,
    client_id_empty,
    // PUBLISH
    topic_wildcard,
    topic_empty,
    topic_empty_without_alias,
    // SUBSCRIBE, UNSUBSCRIBE
    no_filter,
    options_reserved,
    options_v3,
    options_qos,
    options_retain_handling,
    options_no_local,
    // AUTH, and the packets that only a server sends
    auth_before_v5,
    auth_without_method,
    connack_flags,
    connack_session_present,
    connack_return_code,
    suback_codes,
};

/// The error of every decode function. A violation converts to the reason code for a v5 peer.
struct Violation {
    Rule rule = Rule::none;
    operator ReasonCode() const;  // malformed_packet, protocol_error, or the code of the clause
};

/// Returns what is wrong with the packet, and the clause of MQTT 5: "the packet id is 0 [MQTT-2.2.1-3]".
std::string_view text_of(Rule rule);

}  // namespace ledge::wire
