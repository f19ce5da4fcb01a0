// What a server allows on one connection, as its CONNACK says (5.0 section 3.2.2.3). The defaults are those of the
// standard for what CONNACK leaves out, and for MQTT 3.x.
#pragma once

#include <cstdint>
#include <string>

#include "ledge/client/options.hpp"
#include "ledge/wire/packets.hpp"

namespace ledge::client {

struct ServerLimits {
    std::uint16_t receive_maximum = 65'535;                     // QoS 1 and 2 messages from the client, unacknowledged
    wire::QoS maximum_qos = wire::QoS::exactly_once;            // of messages from the client
    std::uint32_t maximum_packet_size = wire::packet_size_max;  // bytes of a whole packet from the client
    std::uint16_t topic_alias_maximum = 0;                      // of messages from the client
    bool retain_available = true;
    bool wildcard_subscriptions_available = true;
    bool subscription_identifiers_available = true;
    bool shared_subscriptions_available = true;
    std::uint16_t keep_alive_s = 0;      // in force, whoever has chosen it
    std::uint32_t session_expiry_s = 0;  // in force; 3.x: 0 for a clean session, else 0xFFFFFFFF
};

/// `is_clean_start` as CONNECT had it: for 3.x it decides whether the session outlives the connection.
ServerLimits limits_of(const wire::Connack& connack, const Options& options, bool is_clean_start);

}  // namespace ledge::client
