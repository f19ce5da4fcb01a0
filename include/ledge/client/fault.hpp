// Fault: which rule of a connection the server has broken, or why the client gave the connection up. One table gives
// each fault the reason code that the server is told and the words, with the clause of MQTT 5, for logs.
#pragma once

#include <cstdint>
#include <string_view>

#include "ledge/wire/types.hpp"

namespace ledge::client {

enum class Fault : std::uint8_t {
    none,
    undecodable,  // wire::Rule says which rule of the packet format is broken
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
    // Given up
    no_connack,
    no_pingresp,
    outbox_full,
};

/// The reason code of the DISCONNECT that tells the server.
wire::ReasonCode code_of(Fault fault);

/// "an alias above the Topic Alias Maximum [MQTT-3.3.2-11]".
std::string_view text_of(Fault fault);

}  // namespace ledge::client
