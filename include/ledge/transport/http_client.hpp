// HttpClient: asks an HTTP/1.1 server of the operator's, with TLS if wanted. Connections are used again while the
// server keeps them; each request has one deadline for all of it. On the loop's thread; nothing waits.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "ledge/base/time.hpp"
#include "ledge/transport/connector.hpp"

namespace ledge::transport {

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
    unsigned status = 0;  // 0: there was none
    std::string body;
    std::string error;            // why there was none
    bool is_unreachable = false;  // there was not even a connection
};

/// Connections that nobody uses.
struct IdleLimits {
    std::uint32_t connections_max = 4;  // 0: each request has a connection of its own
    Duration time_max = 20s;            // that one is kept
};

class HttpClient {
public:
    using Done = std::function<void(HttpReply)>;

    explicit HttpClient(boost::asio::io_context& io);
    /// Requests under way are given up; nobody is called.
    ~HttpClient();
    HttpClient(const HttpClient&) = delete;
    HttpClient& operator=(const HttpClient&) = delete;

    /// Before the first request with TLS; as Connector has it.
    void use_workers(WorkerPool& workers);
    /// Closes the idle ones; those in use are closed when their request has ended.
    void set_idle_limits(const IdleLimits& limits);

    /// `done` is called once, from a handler of the loop, never from here. The request is wiped when it has ended. It
    /// is sent again when a connection that was used before ends without a byte of an answer.
    void post(HttpPost request, Done done);
    std::size_t under_way() const;

    struct Parts;

private:
    std::unique_ptr<Parts> parts_;
};

}  // namespace ledge::transport
