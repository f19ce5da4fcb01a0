// HttpClient: sends requests to HTTP/1.1 servers, over plain TCP or TLS. A connection is reused while the server keeps
// it open. One deadline limits each request as a whole, or each pause of an answer that is read in pieces. Call it on
// the loop's thread. No call blocks.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "ledge/base/time.hpp"
#include "ledge/net/connector.hpp"

namespace ledge::net {

struct HttpPost {
    Destination to;
    std::string method = "POST";
    std::string target = "/";
    std::string bearer_token{};  // "" = the request has no Authorization header
    std::string content_type = "application/json";
    std::string body;
    Duration timeout = 3s;  // from the call of post() to the last byte of the answer
    std::size_t answer_bytes_max = 16 * 1024;
    /// Gets the body of an answer with a status of 2xx piece by piece; HttpReply::body is then empty. answer_bytes_max
    /// does not limit these pieces, and `timeout` is the longest pause between two of them. Returns false to end the
    /// request. It must not destroy the client.
    std::function<bool(std::string_view)> on_piece{};
};

struct HttpReply {
    unsigned status = 0;  // 0 = no valid answer came
    std::string body;
    std::string error;            // the reason why no valid answer came
    bool is_unreachable = false;  // no connection could be opened
};

/// Limits of the connections that are kept open between requests.
struct IdleLimits {
    std::uint32_t connections_max = 4;  // 0 = each request opens a new connection
    Duration time_max = 20s;            // an unused connection is closed after this time
};

class HttpClient {
public:
    using Done = std::function<void(HttpReply)>;

    explicit HttpClient(boost::asio::io_context& io);
    /// Cancels the requests that are under way; no `done` is called.
    ~HttpClient();
    HttpClient(const HttpClient&) = delete;
    HttpClient& operator=(const HttpClient&) = delete;

    /// Call this before the first request with TLS. See Connector::use_workers.
    void use_workers(os::WorkerPool& workers);
    /// Sets the limits and closes the unused connections. A connection in use is closed when its request has ended.
    void set_idle_limits(const IdleLimits& limits);

    /// Sends a request. `done` is called once, from a handler of the loop and never from post() itself. The request's
    /// bytes may hold a password, so they are overwritten when the request has ended. If a reused connection ends
    /// before the first byte of the answer, the request is sent once more over a new connection.
    void post(HttpPost request, Done done);
    /// The number of requests whose `done` has not been called yet.
    std::size_t under_way() const;

    struct Parts;

private:
    std::unique_ptr<Parts> parts_;
};

}  // namespace ledge::net
