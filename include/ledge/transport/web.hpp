// The web front: HTTP/1.1 on a socket, and MQTT over WebSocket where the listener offers it. A handler provides the
// pages; this module only parses requests and sends answers. On the shard's thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ledge/base/log.hpp"
#include "ledge/base/network.hpp"
#include "ledge/base/result.hpp"
#include "ledge/base/time.hpp"
#include "ledge/net/tls_options.hpp"
#include "ledge/os/worker_pool.hpp"
#include "ledge/transport/driver.hpp"
#include "ledge/transport/front.hpp"
#include "ledge/transport/http.hpp"

namespace boost::asio {
class io_context;
}

namespace ledge::transport {

struct WebSocketOptions {
    std::string path;  // the only path that may become a WebSocket: "/mqtt"; "" = every path
    /// Origins of pages that may connect: "https://dashboard.example"; empty = every origin. A client that sends no
    /// Origin field is not a page in a browser and may always connect.
    std::vector<std::string> origins;
    std::vector<Network> trusted_proxies;               // proxies whose X-Forwarded-For field is used
    std::uint64_t message_bytes_max = 2 * 1024 * 1024;  // the largest WebSocket message, after decompression
    bool compression = false;  // offer permessage-deflate, which costs up to 86 KiB per connection that uses it
    Duration ping_interval{};  // a peer that is silent for this long gets a ping; 0 = no pings
};

struct WebLimits {
    std::uint32_t header_bytes_max = 8 * 1024;  // the header of one request
    Duration request_timeout = 10s;             // from the connection, or the last answer, to a complete request
    Duration linger_time_max = 1s;              // from our end to the peer's end
    std::uint32_t visitors_max = 1024;          // peers that are no WebSockets; above it, one that waits is closed
    std::uint32_t body_bytes_max = 256 * 1024;  // the body of one request
    std::uint32_t bodies_bytes_max = 4 * 1024 * 1024;  // all bodies of a front that are being read or handled
    Duration answer_time_max = 30s;                    // from a complete request to the handler's answer
    std::uint32_t stream_bytes_max = 64 * 1024;        // unsent bytes of a streaming answer
    Duration stall_time_max = 30s;                     // from a piece of a streaming answer until all bytes are sent
};

struct WebOptions {
    std::optional<WebSocketOptions> websocket;  // empty = pages only, for the admin listener
    std::uint16_t index = 0;                    // with `websocket`: the listener's index in ShardOptions::listeners
    WebLimits limits;
};

/// Makes a web front. `handler` must outlive the front. An empty handler makes the front answer every request with 404.
std::unique_ptr<Front> make_web_front(boost::asio::io_context& io, WebOptions options, const HttpHandler& handler,
                                      Driver& driver, const Log& log);

/// Makes a web front over TLS. The further arguments are those of make_tls_front().
Result<std::unique_ptr<Front>, net::TlsProblem> make_secure_web_front(boost::asio::io_context& io, WebOptions options,
                                                                      const HttpHandler& handler,
                                                                      const std::string& name,
                                                                      const net::TlsOptions& tls, Driver& driver,
                                                                      os::WorkerPool& workers, const Log& log);

}  // namespace ledge::transport
