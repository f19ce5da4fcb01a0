// HttpClient: sends requests to an HTTP/1.1 server, with TLS where wanted. A connection is used again while the server
// keeps it open. One deadline limits each request as a whole. On the loop's thread; no call waits.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "ledge/base/time.hpp"
#include "ledge/net/connector.hpp"

namespace ledge::net {

struct HttpPost {
    Destination to;
    std::string method = "POST";
    std::string target = "/";
    std::string bearer_token{};  // "": none
    std::string content_type = "application/json";
    std::string body;
    Duration timeout = 3s;  // from now to the last byte of the answer
    std::size_t answer_bytes_max = 16 * 1024;
};

struct HttpReply {
    unsigned status = 0;  // 0: no answer came
    std::string body;
    std::string error;            // why no answer came
    bool is_unreachable = false;  // not even a connection could be made
};

/// Limits of the connections that are kept open between requests.
struct IdleLimits {
    std::uint32_t connections_max = 4;  // 0: each request opens a connection of its own
    Duration time_max = 20s;            // an unused connection is closed after this time
};

class HttpClient {
public:
    using Done = std::function<void(HttpReply)>;

    explicit HttpClient(boost::asio::io_context& io);
    /// Gives up the requests that are under way; no `done` is called.
    ~HttpClient();
    HttpClient(const HttpClient&) = delete;
    HttpClient& operator=(const HttpClient&) = delete;

    /// Call this before the first request with TLS. See Connector::use_workers.
    void use_workers(os::WorkerPool& workers);
    /// Closes the unused connections. A connection in use is closed when its request has ended.
    void set_idle_limits(const IdleLimits& limits);

    /// `done` is called once, from a handler of the loop, never from here. The request's bytes are overwritten when it
    /// has ended. When a connection that was kept open ends without a byte of an answer, the request is sent once more
    /// over a new connection.
    void post(HttpPost request, Done done);
    std::size_t under_way() const;

    struct Parts;

private:
    std::unique_ptr<Parts> parts_;
};

}  // namespace ledge::net
