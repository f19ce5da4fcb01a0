// Enhanced authentication of one connection (5.0 section 4.12).
#pragma once

#include <optional>
#include <string>

#include "ledge/auth/exchange.hpp"

namespace ledge::session {

struct AuthExchange {
    std::string method;                      // as in CONNECT; every AUTH must name the same [MQTT-4.12.0-5]
    auth::Secret connect_frame;              // CONNECT, kept until the exchange ends
    std::optional<auth::Exchange> exchange;  // under way: the first, or a re-authentication
    std::string last_data;                   // goes with CONNACK
};

}  // namespace ledge::session
