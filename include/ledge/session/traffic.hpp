// Traffic: what one client has sent and received since the start of the broker, on all its connections. Part of a
// Session. Plain numbers.
#pragma once

#include <cstdint>

namespace ledge::session {

/// CONNECT is not counted: at that time there is no session.
struct Traffic {
    std::uint64_t publish_received = 0;  // PUBLISH packets of the client
    std::uint64_t publish_sent = 0;
    std::uint64_t bytes_received = 0;
    std::uint64_t bytes_sent = 0;  // on earlier connections; the outbox counts those of the present one
};

}  // namespace ledge::session
