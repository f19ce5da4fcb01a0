// The table of the rules: the reason code for a v5 peer, and the text with the clause.
#include "ledge/wire/violation.hpp"

namespace ledge::wire {
namespace {

struct Row {
    ReasonCode code;
    std::string_view text;
};

// 5.0 section 4.13.1 and the definitions in section 1.2: a packet that cannot be parsed is malformed, and a packet that
// can be parsed but breaks a rule is a protocol error. Rules with their own reason code are the exceptions.
//
// The table is a switch, so that the compiler finds a rule without a row.
constexpr Row row_of(Rule rule) {
    constexpr ReasonCode malformed = ReasonCode::malformed_packet;
    constexpr ReasonCode protocol_error = ReasonCode::protocol_error;
    switch (rule) {
        case Rule::none: return {ReasonCode::success, ""};
        case Rule::fixed_header:
            return {malformed, "the packet type or the flags of the fixed header are reserved [MQTT-2.1.3-1]"};
        case Rule::cut_short: return {malformed, "a field extends beyond the end of the packet (section 4.13.1)"};
        case Rule::trailing_bytes: return {malformed, "bytes follow the last field of the packet (section 4.13.1)"};
        case Rule::not_utf8: return {malformed, "a text is not UTF-8 or contains U+0000 [MQTT-1.5.4-1] [MQTT-1.5.4-2]"};
        case Rule::length_encoding:
            return {malformed, "a length has more bytes than needed, or more than four [MQTT-1.5.5-1]"};
        case Rule::packet_id_zero: return {malformed, "the packet id is 0 [MQTT-2.2.1-3]"};
        case Rule::dup_flag: return {malformed, "the DUP flag is set in a packet other than PUBLISH [MQTT-2.1.3-1]"};
        case Rule::reason_code: return {protocol_error, "the reason code is not allowed in the packet (section 2.4)"};
        case Rule::property_unknown:
            return {malformed, "a property is unknown or not allowed in the packet (section 2.2.2.2)"};
        case Rule::property_repeated:
            return {protocol_error, "a property appears twice in the packet (section 2.2.2.2)"};
        case Rule::property_value:
            return {protocol_error, "a property has a value that is not allowed (section 2.2.2.2)"};
        // 5.0 section 3.3.2.3.4 names this code.
        case Rule::topic_alias_zero: return {ReasonCode::topic_alias_invalid, "the Topic Alias is 0 [MQTT-3.3.2-8]"};
        case Rule::response_topic:
            return {protocol_error, "the Response Topic is empty or has a wildcard [MQTT-3.3.2-14] [MQTT-4.7.3-1]"};
        case Rule::authentication_data_alone:
            return {protocol_error,
                    "the packet has Authentication Data but no Authentication Method (section 3.1.2.11.10)"};
        // [MQTT-3.1.2-2] names this code; the client may try an older version of the protocol.
        case Rule::protocol:
            return {ReasonCode::unsupported_protocol_version,
                    "the protocol name and level are not those of MQTT 3.1, 3.1.1 or 5 [MQTT-3.1.2-1] [MQTT-3.1.2-2]"};
        case Rule::connect_reserved_flag: return {malformed, "the reserved flag is set [MQTT-3.1.2-3]"};
        case Rule::will_flags_without_will:
            return {malformed, "will QoS or will retain is set without a will [MQTT-3.1.2-11] [MQTT-3.1.2-13]"};
        case Rule::will_qos: return {malformed, "the will QoS is 3 [MQTT-3.1.2-12]"};
        case Rule::will_topic_empty: return {malformed, "the will topic is empty [MQTT-4.7.3-1]"};
        case Rule::will_topic_wildcard: return {malformed, "the will topic has a wildcard [MQTT-3.3.2-2]"};
        case Rule::password_without_user_name:
            return {malformed, "the packet has a password but no user name (3.1.1 [MQTT-3.1.2-22])"};
        // A 3.1.1 client gets the return code 2 for this reason code (3.1.1 table 3.1).
        case Rule::client_id_empty:
            return {ReasonCode::client_identifier_not_valid,
                    "the client id is empty without a clean session (3.1.1 [MQTT-3.1.3-8])"};
        case Rule::topic_wildcard: return {malformed, "the topic has a wildcard [MQTT-3.3.2-2]"};
        case Rule::topic_empty: return {malformed, "the topic is empty [MQTT-4.7.3-1]"};
        case Rule::topic_empty_without_alias:
            return {protocol_error, "the topic is empty and there is no Topic Alias (section 3.3.2.1)"};
        case Rule::no_filter: return {protocol_error, "the packet has no topic filter [MQTT-3.8.3-2] [MQTT-3.10.3-2]"};
        case Rule::options_reserved: return {malformed, "a reserved subscription option is set [MQTT-3.8.3-5]"};
        case Rule::options_v3:
            return {malformed, "the requested QoS is not 0, 1 or 2, or a reserved bit is set (3.1.1 [MQTT-3.8.3-4])"};
        case Rule::options_qos: return {protocol_error, "the maximum QoS is 3 (section 3.8.3.1)"};
        case Rule::options_retain_handling: return {protocol_error, "the retain handling is 3 (section 3.8.3.1)"};
        case Rule::options_no_local:
            return {protocol_error, "No Local is set for a shared subscription [MQTT-3.8.3-4]"};
        // In 3.1.1 the packet type 15 is reserved, so the packet is malformed there.
        case Rule::auth_before_v5: return {malformed, "MQTT 3.1.1 has no AUTH packet (3.1.1 table 2.1)"};
        case Rule::auth_without_method:
            return {protocol_error, "the packet has no Authentication Method (section 3.15.2.2.2)"};
        case Rule::connack_flags: return {malformed, "a reserved flag is set [MQTT-3.2.2-1]"};
        case Rule::connack_session_present:
            return {protocol_error, "session present is set in a refusal [MQTT-3.2.2-6]"};
        case Rule::connack_return_code: return {malformed, "the return code is unknown (3.1.1 table 3.1)"};
        case Rule::suback_codes: return {malformed, "the packet has no reason code, or an unknown one (section 3.9.3)"};
    }
    // Not reached: the switch has a case for every rule.
    return {malformed, ""};
}

}  // namespace

// The table is used once for each broken connection, so a switch is fast enough.
Violation::operator ReasonCode() const { return row_of(rule).code; }

std::string_view text_of(Rule rule) { return row_of(rule).text; }

}  // namespace ledge::wire
