// The rules of MQTT-SN 1.2 and of the serial link that a packet can break. Each rule has a text for logs. Stateless.
#pragma once

#include <cstdint>
#include <string_view>

namespace ledge::mqttsn {

enum class Rule : std::uint8_t {
    none,  // the packet breaks no rule
    // Every message
    length_field,  // the Length field does not say how many bytes the packet has
    type_unknown,
    cut_short,
    trailing_bytes,
    not_utf8,
    // Fields
    protocol_id,
    client_id_empty,
    topic_id_type,
    topic_id_reserved,
    topic_empty,
    topic_size,
    will_topic_wildcard,
    message_id_zero,
    qos,
    return_code,
    // Forwarder encapsulation
    node_id_size,
    nested_forward,
};

/// The error of decode().
struct Violation {
    Rule rule = Rule::none;
    friend bool operator==(const Violation&, const Violation&) = default;
};

/// Says what is wrong with the packet, with the section of MQTT-SN 1.2: "the topic id is reserved (section 5.3.11)".
std::string_view text_of(Rule rule);

}  // namespace ledge::mqttsn
