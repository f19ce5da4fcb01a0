// ListenerCounters: what has happened on one listener since the start. Plain numbers that only grow. The broker's
// Connections owns them; connections and the driver count.
#pragma once

#include <cstdint>

#include "ledge/wire/types.hpp"

namespace ledge::session {

struct ListenerCounters {
    std::uint64_t accepted = 0;  // connections that the listener has accepted, before any login
    // Connections that were closed or refused before the login has succeeded, by reason.
    std::uint64_t refused_login = 0;     // a wrong user name, password, token or address, or a missing right
    std::uint64_t refused_room = 0;      // no place, no memory, or too many logins at once
    std::uint64_t refused_protocol = 0;  // no valid CONNECT, or a request that the broker does not support
    std::uint64_t bytes_received = 0;    // of MQTT; WebSocket, TLS and IP add their own
    std::uint64_t bytes_sent = 0;

    std::uint64_t refused() const { return refused_login + refused_room + refused_protocol; }
    /// Counts a refusal by the reason code of the CONNACK.
    void count_refusal(wire::ReasonCode code);
};

}  // namespace ledge::session
