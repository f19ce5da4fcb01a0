// The PROXY protocol in front of another front: load balancers say in it whom they speak for.
#pragma once

#include <memory>
#include <vector>

#include "ledge/base/network.hpp"
#include "ledge/transport/front.hpp"

namespace ledge::transport {

struct ProxyOptions {
    std::vector<Network> from;          // whose word is taken; other peers are closed
    Duration header_timeout = 5s;       // from the connection to a whole header
    std::uint32_t visitors_max = 1024;  // whose header is awaited; more: the one that waits longest goes
};

/// Reads a header of version 1 or 2 from each peer and hands its socket on to `next`, with the address of the header.
std::unique_ptr<Front> make_proxy_front(ProxyOptions options, std::unique_ptr<Front> next, Driver& driver,
                                        const Log& log);

}  // namespace ledge::transport
