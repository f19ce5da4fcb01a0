// ServerLimits: the limits that a server sets for one connection in CONNACK (5.0 section 3.2.2.3). The defaults are the
// values of the standard for properties that CONNACK leaves out, and for MQTT 3.x.
#pragma once

#include <cstdint>
#include <string>

#include "ledge/client/options.hpp"
#include "ledge/wire/packets.hpp"

namespace ledge::client {

struct ServerLimits {
    std::uint16_t receive_maximum = 65'535;                     // unacknowledged QoS 1 and 2 messages from the client
    wire::QoS maximum_qos = wire::QoS::exactly_once;            // of messages from the client
    std::uint32_t maximum_packet_size = wire::packet_size_max;  // bytes of a whole packet from the client
    std::uint16_t topic_alias_maximum = 0;                      // aliases in messages from the client; 0 = none
    bool retain_available = true;
    bool wildcard_subscriptions_available = true;
    bool subscription_identifiers_available = true;
    bool shared_subscriptions_available = true;
    std::uint16_t keep_alive_s = 0;      // in force, chosen by the client or by the server; 0 = no keep alive
    std::uint32_t session_expiry_s = 0;  // in force; 3.x: 0 for a clean session, else 0xFFFFFFFF
};

/// `is_clean_start`: the value in CONNECT. In 3.x it decides whether the session outlives the connection.
ServerLimits limits_of(const wire::Connack& connack, const Options& options, bool is_clean_start);

}  // namespace ledge::client
