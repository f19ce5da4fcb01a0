// ApiClient: sends requests to the API of a broker, over a Unix socket, HTTP or HTTPS, one after the other. Owned by
// `ctl`, on the main thread; ask() waits for the answer.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "ctl_request.hpp"
#include "ledge/net/http_client.hpp"
#include "ledge/os/worker_pool.hpp"

namespace ledge::cli {

class ApiClient {
public:
    ApiClient();
    /// Prepares requests to the server of the options. Returns "" or the mistake in them, a sentence.
    std::string prepare(const CtlOptions& options);
    /// Sends a request and waits for its answer. An interruption by SIGINT or SIGTERM ends the wait with status 0, and
    /// is_interrupted() is true.
    net::HttpReply ask(const CtlRequest& request);
    /// As above, and hands over the body in pieces (net::HttpPost). `pause_max`: before the first piece, and between
    /// two of them.
    net::HttpReply ask(const CtlRequest& request, Duration pause_max, std::function<bool(std::string_view)> on_piece);
    bool is_interrupted() const { return is_interrupted_; }

private:
    net::HttpReply exchange(const CtlRequest& request, Duration time_max,
                            std::function<bool(std::string_view)> on_piece);

    boost::asio::io_context io_{1};
    boost::asio::signal_set signals_{io_};
    std::unique_ptr<os::WorkerPool> workers_;  // compute TLS; nullptr = no TLS
    net::HttpClient client_{io_};
    net::Destination to_;
    std::string token_;
    bool is_interrupted_ = false;
};

}  // namespace ledge::cli
