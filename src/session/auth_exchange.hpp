// Enhanced authentication of one connection (5.0 section 4.12).
#pragma once

#include <string>
#include <vector>

#include "ledge/base/bytes.hpp"

namespace ledge::session {

struct AuthExchange {
    std::string method;                // as in CONNECT; every AUTH must name the same [MQTT-4.12.0-5]
    std::vector<Byte> connect_frame;   // CONNECT, kept until the exchange ends
    bool is_reauthenticating = false;  // AUTH 0x19 seen, response awaited
};

}  // namespace ledge::session
