// The table of faults: for each the reason code for the server and the text for logs.
#include "ledge/client/fault.hpp"

namespace ledge::client {
namespace {

using wire::ReasonCode;

struct Row {
    ReasonCode code;
    std::string_view text;
};

// A switch instead of an array, so that the compiler finds a fault without a row.
constexpr Row row_of(Fault fault) {
    constexpr ReasonCode protocol_error = ReasonCode::protocol_error;
    switch (fault) {
        case Fault::none: return {ReasonCode::success, ""};
        case Fault::undecodable: return {ReasonCode::malformed_packet, "the packet cannot be decoded (section 4.13.1)"};
        case Fault::packet_too_large:
            return {ReasonCode::packet_too_large, "a packet above the client's Maximum Packet Size [MQTT-3.1.2-24]"};
        case Fault::before_connack: return {protocol_error, "a packet other than AUTH before CONNACK [MQTT-3.2.0-1]"};
        case Fault::second_connack: return {protocol_error, "a second CONNACK [MQTT-3.2.0-2]"};
        case Fault::packet_of_clients: return {protocol_error, "a packet that only clients send (table 2-1)"};
        case Fault::disconnect_before_v5:
            return {protocol_error, "DISCONNECT of a server before MQTT 5 (3.1.1 table 2.1)"};
        case Fault::session_after_clean_start:
            return {protocol_error, "session present after a clean start [MQTT-3.2.2-2]"};
        case Fault::session_unknown:
            return {protocol_error, "session present, but the client has no session state [MQTT-3.2.2-4]"};
        case Fault::no_assigned_client_id:
            return {protocol_error, "no Assigned Client Identifier for an empty client id [MQTT-3.2.2-16]"};
        case Fault::alias_above_maximum:
            return {ReasonCode::topic_alias_invalid,
                    "a topic alias above the client's Topic Alias Maximum [MQTT-3.3.2-11]"};
        case Fault::alias_unknown:
            return {protocol_error, "a topic alias that was not set on this connection (section 3.3.2.3.4)"};
        case Fault::packet_id_in_use:
            return {protocol_error, "a PUBLISH with the packet id of another exchange [MQTT-2.2.1-4]"};
        case Fault::receive_maximum_exceeded:
            return {ReasonCode::receive_maximum_exceeded,
                    "more unacknowledged messages than the client's Receive Maximum [MQTT-3.3.4-9]"};
        case Fault::puback_unknown:
            return {protocol_error, "PUBACK with the packet id of no PUBLISH on this connection [MQTT-2.2.1-5]"};
        case Fault::ack_of_other_qos:
            return {protocol_error, "an acknowledgement that does not fit the QoS of its PUBLISH [MQTT-3.3.4-1]"};
        case Fault::pubrel_before_pubrec: return {protocol_error, "PUBREL before PUBREC was sent [MQTT-4.3.3-4]"};
        case Fault::request_unknown:
            return {protocol_error, "SUBACK or UNSUBACK with the packet id of no request [MQTT-2.2.1-6]"};
        case Fault::request_code_count:
            return {protocol_error, "SUBACK or UNSUBACK without one reason code for each filter [MQTT-3.8.4-6]"};
        case Fault::auth_without_method:
            return {protocol_error, "AUTH or an Authentication Method although CONNECT had none [MQTT-4.12.0-6]"};
        case Fault::auth_other_method:
            return {protocol_error, "an Authentication Method other than that of CONNECT [MQTT-4.12.0-5]"};
        case Fault::auth_code:
            return {protocol_error, "AUTH with a reason code that the exchange does not have now (section 4.12)"};
        case Fault::problem_information:
            return {protocol_error,
                    "a Reason String or User Property although the client wants no problem information "
                    "[MQTT-3.1.2-29]"};
        case Fault::session_expiry_in_disconnect:
            return {protocol_error, "a Session Expiry Interval in the server's DISCONNECT [MQTT-3.14.2-2]"};
        case Fault::no_connack: return {ReasonCode::unspecified_error, "no CONNACK in time (section 3.2)"};
        case Fault::no_pingresp: return {ReasonCode::unspecified_error, "no PINGRESP in time (section 3.1.2.10)"};
        case Fault::outbox_full:
            return {ReasonCode::quota_exceeded, "the server does not read: too many unsent bytes wait in the client"};
    }
    return {protocol_error, ""};
}

}  // namespace

wire::ReasonCode code_of(Fault fault) { return row_of(fault).code; }

std::string_view text_of(Fault fault) { return row_of(fault).text; }

}  // namespace ledge::client
