#include "api_client.hpp"

#include <csignal>
#include <optional>
#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/cli/tls.hpp"
#include "ledge/net/post.hpp"
#include "ledge/os/address.hpp"

namespace ledge::cli {
namespace {

constexpr Duration answer_time_max = 30s;
constexpr std::size_t answer_bytes_max = 16 * 1024 * 1024;

}  // namespace

ApiClient::ApiClient() {
    boost::system::error_code error;
    // Without these signals an interruption has its usual effect, which is no harm.
    signals_.add(SIGINT, error);
    signals_.add(SIGTERM, error);
    signals_.async_wait([this](const boost::system::error_code& failure, int) {
        if (!failure) is_interrupted_ = true;
    });
}

std::string ApiClient::prepare(const CtlOptions& options) {
    to_.host = options.server.host;
    to_.port = options.server.port;
    to_.unix_path = options.server.unix_path;
    if (to_.unix_path.size() > os::SocketAddress::unix_path_bytes_max)
        return "the path of a Unix socket has at most " + std::to_string(os::SocketAddress::unix_path_bytes_max) +
               " bytes";
    if (!options.token_file.empty()) {
        auto token = read_secret_line(options.token_file);
        if (!token) return token.error();
        token_ = std::move(*token);
    }
    if (!options.server.is_tls) return {};
    // TLS computes handshakes on worker threads.
    auto workers = os::WorkerPool::create(net::post_to(io_), {.name = "tls"});
    if (!workers) return "cannot start worker threads: " + workers.error().message();
    workers_ = std::move(*workers);
    client_.use_workers(*workers_);
    auto context = tls_context(options.tls);
    if (!context) return context.error();
    to_.tls = std::move(*context);
    return {};
}

net::HttpReply ApiClient::ask(const CtlRequest& request, Duration pause_max,
                              std::function<bool(std::string_view)> on_piece) {
    LEDGE_ASSERT(on_piece);
    return exchange(request, pause_max, std::move(on_piece));
}

net::HttpReply ApiClient::ask(const CtlRequest& request) { return exchange(request, answer_time_max, {}); }

net::HttpReply ApiClient::exchange(const CtlRequest& request, Duration time_max,
                                   std::function<bool(std::string_view)> on_piece) {
    net::HttpPost post;
    post.to = to_;
    post.method = request.method;
    post.target = request.target;
    post.bearer_token = token_;
    post.body = request.body;
    post.timeout = time_max;
    post.answer_bytes_max = answer_bytes_max;
    post.on_piece = std::move(on_piece);
    std::optional<net::HttpReply> reply;
    client_.post(std::move(post), [&reply](net::HttpReply answer) { reply = std::move(answer); });
    // run_one_for() returns when nothing happened for 10 ms, or when the loop has run out of work. restart() lets it
    // run again, because worker threads may still post an answer.
    while (!reply && !is_interrupted_) {
        io_.restart();
        io_.run_one_for(std::chrono::milliseconds(10));
    }
    return reply ? std::move(*reply) : net::HttpReply{0, {}, "the command was interrupted", false};
}

}  // namespace ledge::cli
