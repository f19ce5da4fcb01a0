// Fault: the rule that the server has broken, or the reason why the client gave the connection up. fault.cpp has one
// table: for each fault the reason code for the server, and the text for logs with the clause of MQTT 5.
#pragma once

#include <cstdint>
#include <string_view>

#include "ledge/wire/types.hpp"

namespace ledge::client {

enum class Fault : std::uint8_t {
    none,
    undecodable,  // wire::Rule names the broken rule of the packet format
    packet_too_large,
    // Order of packets
    before_connack,
    second_connack,
    packet_of_clients,
    disconnect_before_v5,
    // CONNACK
    session_after_clean_start,
    session_unknown,
    no_assigned_client_id,
    // PUBLISH from the server
    alias_above_maximum,
    alias_unknown,
    packet_id_in_use,
    receive_maximum_exceeded,
    // Acknowledgements
    puback_unknown,
    ack_of_other_qos,
    pubrel_before_pubrec,
    // SUBACK, UNSUBACK
    request_unknown,
    request_code_count,
    // AUTH
    auth_without_method,
    auth_other_method,
    auth_code,
    // Properties
    problem_information,
    session_expiry_in_disconnect,
    // The client gave the connection up
    no_connack,
    no_pingresp,
    outbox_full,
};

/// The reason code that DISCONNECT tells the server.
wire::ReasonCode code_of(Fault fault);

/// The text for logs, for example "a topic alias above the client's Topic Alias Maximum [MQTT-3.3.2-11]".
std::string_view text_of(Fault fault);

}  // namespace ledge::client
