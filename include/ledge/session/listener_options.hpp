// ListenerOptions: the options of one listener that concern its clients. The core knows nothing else of a listener.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "ledge/session/limits.hpp"
#include "ledge/session/queue_rules.hpp"

namespace ledge::session {

struct ListenerOptions {
    std::string name;
    bool allow_anonymous = false;
    std::uint32_t connections_max = 10'000;  // connected clients
    SessionLimits limits;
    std::uint32_t arrivals_max = 256;  // sockets beyond connections_max, of peers that have not sent a valid CONNECT
    bool is_local = false;             // a Unix socket: accepted beyond connections_total_max
    bool has_descriptors = true;       // false: inner clients, which connections_total_max does not concern
    std::optional<QueueRules> queue_rules = {};  // of the session of an inner client (inner_clients.hpp)
};

}  // namespace ledge::session
