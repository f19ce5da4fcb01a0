// The web front: HTTP/1.1 on a socket, and MQTT over WebSocket where it is offered. Pages come from a handler; this
// module knows only how to ask and answer. On the shard's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/base/log.hpp"
#include "ledge/base/network.hpp"
#include "ledge/base/result.hpp"
#include "ledge/base/time.hpp"
#include "ledge/net/tls_options.hpp"
#include "ledge/os/worker_pool.hpp"
#include "ledge/transport/driver.hpp"
#include "ledge/transport/front.hpp"

namespace boost::asio {
class io_context;
}

namespace ledge::transport {

/// GET or HEAD, and on the admin listener DELETE; every other method has been answered already. Views live for the
/// call.
struct HttpRequest {
    bool is_removal = false;        // DELETE
    std::string_view path;          // "/metrics", without the query
    std::string_view query;         // what follows '?'
    std::string_view host;          // as the client names us, without the port
    std::string_view address;       // of the peer, as logs show it: "192.0.2.7:51123"
    std::string_view bearer_token;  // of "Authorization: Bearer TOKEN"; "" without
    bool is_admin = false;          // on the admin listener, not beside MQTT clients
    bool has_certificate = false;   // the client has shown a certificate, and TLS has found it valid
};

struct HttpAnswer {
    std::uint16_t status = 200;
    std::string_view content_type = "text/plain; charset=utf-8";
    std::string body;
};

using HttpHandler = std::function<HttpAnswer(const HttpRequest&)>;

struct WebSocketOptions {
    std::string path;                  // "/mqtt"; empty: any
    std::vector<std::string> origins;  // "https://dashboard.example"; empty: any. A client without Origin is no page
    std::vector<Network> trusted_proxies;               // whose X-Forwarded-For is believed
    std::uint64_t message_bytes_max = 2 * 1024 * 1024;  // of one message, inflated
    bool compression = false;  // permessage-deflate: up to 86 KiB per connection that asks for it
    Duration ping_interval{};  // of silence, until the peer is asked whether it lives; 0: never
};

struct WebLimits {
    std::uint32_t header_bytes_max = 8 * 1024;  // of a request
    Duration request_timeout = 10s;             // from the connection, or the last answer, to a whole request
    Duration linger_time_max = 1s;              // after our end, for the peer's
    std::uint32_t visitors_max = 1024;          // that are no WebSockets (yet); more: the one that waits longest goes
};

struct WebOptions {
    std::optional<WebSocketOptions> websocket;  // none: only pages, for the admin listener
    std::uint16_t index = 0;                    // with websocket: of the listener, in ShardOptions::listeners
    WebLimits limits;
};

/// `handler` outlives the front; an empty one answers 404 to everything.
std::unique_ptr<Front> make_web_front(boost::asio::io_context& io, WebOptions options, const HttpHandler& handler,
                                      Driver& driver, const Log& log);

/// The same over TLS, with what make_tls_front asks for.
Result<std::unique_ptr<Front>, net::TlsProblem> make_secure_web_front(boost::asio::io_context& io, WebOptions options,
                                                                      const HttpHandler& handler,
                                                                      const std::string& name,
                                                                      const net::TlsOptions& tls, Driver& driver,
                                                                      os::WorkerPool& workers, const Log& log);

}  // namespace ledge::transport
