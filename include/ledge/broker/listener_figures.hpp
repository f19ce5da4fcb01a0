// ListenerFigures: what operators see of one listener. Plain values, as the shard had them at the call.
#pragma once

#include <cstdint>
#include <string>

#include "ledge/session/listener_counters.hpp"

namespace ledge::broker {

struct ListenerFigures {
    std::string name;
    std::uint32_t arriving = 0;         // connections whose CONNECT was not accepted yet
    std::uint32_t connected = 0;        // clients
    std::uint32_t connections_max = 0;  // the limit of `connected`
    bool is_inner = false;              // of a part of this program: its clients have no socket
    session::ListenerCounters counters;
};

}  // namespace ledge::broker
