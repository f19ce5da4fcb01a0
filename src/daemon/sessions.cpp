// `ledgemq sessions`, for a stopped broker through its store, and for a running broker through the pages of its admin
// listener (admin/sessions_page.hpp).
#include "sessions.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <cstdio>
#include <memory>
#include <optional>

#include "commands.hpp"
#include "ledge/admin/pages.hpp"
#include "ledge/base/percent.hpp"
#include "ledge/net/http_client.hpp"
#include "ledge/net/post.hpp"
#include "ledge/net/tls_client.hpp"
#include "ledge/os/worker_pool.hpp"
#include "ledge/storage/tools.hpp"

namespace ledge::daemon {
namespace {

constexpr Duration answer_time_max = 30s;
constexpr std::size_t answer_bytes_max = 16 * 1024 * 1024;  // one page of sessions with the longest client ids
constexpr std::string_view resource = "/api/v1/sessions";

void print_line(std::string_view line) { std::fwrite(line.data(), 1, line.size(), stdout); }

/// The admin listener of a running broker. Requests are sent one after the other.
class AdminListener {
public:
    /// Prepares requests. Returns "" or the error, a sentence.
    std::string connect(const config::Command::Sessions& request) {
        to_.host = request.endpoint.host;
        to_.port = request.endpoint.port;
        if (!request.token_file.empty()) {
            auto token = admin::read_token(request.token_file);
            if (!token) return text_of(token.error());
            token_ = std::move(*token);
        }
        return request.endpoint.is_tls ? begin_tls(request.ca_file) : std::string();
    }

    /// Sends one request and waits for its answer.
    net::HttpReply ask(std::string method, std::string target) {
        net::HttpPost request;
        request.to = to_;
        request.method = std::move(method);
        request.target = std::move(target);
        request.bearer_token = token_;
        request.timeout = answer_time_max;
        request.answer_bytes_max = answer_bytes_max;
        std::optional<net::HttpReply> reply;
        client_.post(std::move(request), [&reply](net::HttpReply answer) { reply = std::move(answer); });
        // run_one_for() returns when nothing happened for 10 ms, or when the loop has run out of work. restart() lets
        // it run again, because worker threads may still post an answer.
        while (!reply) {
            io_.restart();
            io_.run_one_for(std::chrono::milliseconds(10));
        }
        return *reply;
    }

private:
    /// TLS computes handshakes on worker threads, which this command starts too. Returns "" or the error.
    std::string begin_tls(const std::string& ca_file) {
        auto workers = os::WorkerPool::create(net::post_to(io_), {.name = "tls"});
        if (!workers) return "cannot start worker threads";
        workers_ = std::move(*workers);
        client_.use_workers(*workers_);
        net::TlsClientOptions options;
        options.ca_file = ca_file;
        // The admin listener offers this protocol only (tls_files.cpp).
        options.alpn = {"http/1.1"};
        auto made = net::make_tls_client(options);
        if (!made) return text_of(made.error().reason);
        to_.tls = std::move(*made);
        return {};
    }

    boost::asio::io_context io_{1};
    std::unique_ptr<os::WorkerPool> workers_;
    net::HttpClient client_{io_};
    net::Destination to_;
    std::string token_;
};

/// Status 0 means that no answer came.
std::string problem_of(const net::HttpReply& reply) {
    if (reply.status == 0) return "the broker cannot be reached: " + reply.error;
    return "the broker answers " + std::to_string(reply.status) + ": " + reply.body;
}

int list(AdminListener& listener) {
    std::string after;  // the last client id of the page before; "" = from the first session
    for (;;) {
        // 1000 sessions are the largest page that the broker allows (admin/sessions_page.hpp).
        const net::HttpReply reply =
            listener.ask("GET", std::string(resource) + "?limit=1000&after=" + percent_encoded(after));
        if (reply.status != 200) return fail(problem_of(reply));
        // The program at the address may be no broker, so every part of the answer is checked.
        boost::system::error_code error;
        const boost::json::value page = boost::json::parse(reply.body, error);
        const auto* object = error ? nullptr : page.if_object();
        const auto* sessions = object == nullptr ? nullptr : object->if_contains("sessions");
        const auto* next = object == nullptr ? nullptr : object->if_contains("next");
        if (sessions == nullptr || !sessions->is_array() || next == nullptr)
            return fail("the answer is not one of a LedgeMQ broker");
        // One JSON object per line, so that tools for lines can read the list.
        for (const boost::json::value& session : sessions->as_array())
            print_line(boost::json::serialize(session) + "\n");
        // `next` is null on the last page.
        if (!next->is_string()) return config::exit_ok;
        after = std::string(std::string_view(next->as_string().data(), next->as_string().size()));
    }
}

int remove(AdminListener& listener, const std::string& client_id) {
    const net::HttpReply reply = listener.ask("DELETE", std::string(resource) + "/" + percent_encoded(client_id));
    return reply.status == 200 ? config::exit_ok : fail(problem_of(reply));
}

int use_store(const config::Command::Sessions& request) {
    // The lock of the store makes this fail while a broker uses it.
    const auto done = request.is_removal ? storage::remove_session(request.store, request.client_id)
                                         : storage::list_sessions(request.store, print_line);
    return done ? config::exit_ok : fail(text_of(done.error()));
}

}  // namespace

int use_sessions(const config::Command::Sessions& request) {
    if (!request.store.empty()) return use_store(request);
    AdminListener listener;
    if (const std::string problem = listener.connect(request); !problem.empty()) return fail(problem);
    return request.is_removal ? remove(listener, request.client_id) : list(listener);
}

}  // namespace ledge::daemon
