// HttpClient: asks an HTTP/1.1 server of the operator's. One connection per request, each with one deadline for all of
// it. On the loop's thread; nothing waits.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "ledge/base/time.hpp"

namespace boost::asio {
class io_context;
}

namespace ledge::transport {

struct HttpPost {
    std::string host;  // IPv4 or IPv6 address without brackets
    std::uint16_t port = 80;
    std::string target = "/";
    std::string content_type = "application/json";
    std::string body;
    Duration timeout = 3s;  // from now to the last byte of the answer
    std::size_t answer_bytes_max = 16 * 1024;
};

struct HttpReply {
    unsigned status = 0;  // 0: there was none
    std::string body;
    std::string error;  // why there was none
};

class HttpClient {
public:
    using Done = std::function<void(HttpReply)>;

    explicit HttpClient(boost::asio::io_context& io);
    /// Requests under way are given up; nobody is called.
    ~HttpClient();
    HttpClient(const HttpClient&) = delete;
    HttpClient& operator=(const HttpClient&) = delete;

    /// `done` is called once, from a handler of the loop, never from here. The body is wiped when it has been sent.
    void post(HttpPost request, Done done);
    std::size_t under_way() const;

private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace ledge::transport
