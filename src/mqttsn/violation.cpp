#include "ledge/mqttsn/violation.hpp"

namespace ledge::mqttsn {

// The table is a switch, so that the compiler finds a rule without a text.
std::string_view text_of(Rule rule) {
    switch (rule) {
        case Rule::none: return "";
        case Rule::length_field:
            return "the Length field does not say how many bytes the packet has (MQTT-SN section 5.2.1)";
        case Rule::type_unknown: return "the message type is reserved (MQTT-SN section 5.2.2)";
        case Rule::cut_short: return "a field extends beyond the end of the message (MQTT-SN section 5.4)";
        case Rule::trailing_bytes: return "bytes follow the last field of the message (MQTT-SN section 5.4)";
        case Rule::not_utf8: return "a text is not UTF-8 or contains U+0000 (MQTT-SN section 5.3.12)";
        case Rule::protocol_id: return "the ProtocolId of CONNECT is not 0x01 (MQTT-SN section 5.3.8)";
        case Rule::client_id_empty: return "the ClientId of CONNECT is empty (MQTT-SN section 5.3.1)";
        case Rule::topic_id_type: return "the TopicIdType is reserved in this message (MQTT-SN section 5.3.4)";
        case Rule::topic_id_reserved: return "the topic id is 0x0000 or 0xFFFF (MQTT-SN section 5.3.11)";
        case Rule::topic_empty: return "the topic name is empty (MQTT-SN section 5.3.12)";
        case Rule::topic_size: return "a topic id or short topic name has not two bytes (MQTT-SN section 5.4.15)";
        case Rule::will_topic_wildcard: return "the will topic has a wildcard (MQTT-SN section 5.3.14)";
        case Rule::message_id_zero: return "the message needs an answer, but its MsgId is 0 (MQTT-SN section 5.3.9)";
        case Rule::qos: return "the QoS is not allowed in this message (MQTT-SN section 5.3.4)";
        case Rule::return_code: return "the ReturnCode is reserved (MQTT-SN section 5.3.10)";
        case Rule::node_id_size: return "the Wireless Node Id is empty or too long (MQTT-SN section 5.5)";
        case Rule::nested_forward: return "an encapsulated message contains another one (MQTT-SN section 5.5)";
    }
    return "";
}

}  // namespace ledge::mqttsn
