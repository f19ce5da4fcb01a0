// A front for the PROXY protocol, which wraps another front. A load balancer sends a PROXY header first; the header
// names the client whose connection it forwards. On the shard's thread.
#pragma once

#include <memory>
#include <vector>

#include "ledge/base/network.hpp"
#include "ledge/transport/front.hpp"

namespace ledge::transport {

struct ProxyOptions {
    std::vector<Network> from;          // the networks of trusted proxies; other peers are closed
    Duration header_timeout = 5s;       // from the connection to the complete header
    std::uint32_t visitors_max = 1024;  // peers without a header; above it, the longest-waiting one is closed
};

/// Reads a header of version 1 or 2 from each peer, and passes the socket to `next` with the address in the header.
std::unique_ptr<Front> make_proxy_front(ProxyOptions options, std::unique_ptr<Front> next, Driver& driver,
                                        const Log& log);

}  // namespace ledge::transport
