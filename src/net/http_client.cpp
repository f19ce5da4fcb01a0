// The HTTP client: its idle connections and its requests, on the loop's thread. This file compiles Beast's HTTP parser;
// besides it, only transport's web_front.cpp and uplink's ws_client.cpp compile Beast.
#include "ledge/net/http_client.hpp"

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/http/parser.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "ledge/base/assert.hpp"
#include "ledge/base/wipe.hpp"

namespace ledge::net {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using Error = boost::system::error_code;
using Wait = asio::posix::stream_descriptor;

// Limits for a server that misbehaves. The limit of the body is a part of each request (HttpPost).
constexpr std::uint32_t answer_header_bytes_max = 8 * 1024;
constexpr std::size_t read_bytes_max = 4 * 1024;

/// A body as Beast's parser fills it: a string that only grows by bytes that have come. (Beast's string_body reserves
/// what the server announces, which may be any number.)
struct GrowingBody {
    using value_type = std::string;
    class reader {
    public:
        template <bool is_request, class Fields>
        reader(http::header<is_request, Fields>&, value_type& body) : body_(body) {}
        void init(const boost::optional<std::uint64_t>&, Error& error) { error = {}; }
        template <class Buffers>
        std::size_t put(const Buffers& buffers, Error& error) {
            error = {};
            const std::size_t before = body_.size();
            for (auto piece = asio::buffer_sequence_begin(buffers); piece != asio::buffer_sequence_end(buffers);
                 ++piece)
                body_.append(static_cast<const char*>(asio::const_buffer(*piece).data()),
                             asio::const_buffer(*piece).size());
            return body_.size() - before;
        }
        void finish(Error& error) { error = {}; }

    private:
        value_type& body_;
    };
};

std::string reason_of(const Error& error) {
    if (error == http::error::body_limit) return "the answer is larger than the limit";
    return error.message();
}

/// The Host field: "name", "192.0.2.7:8000", "[::1]:8000". The default port is left out (RFC 9110, section 7.2).
std::string host_field(const Destination& to) {
    // The name of a Unix socket is no host; the field must stand there nevertheless (RFC 9112 section 3.2).
    if (!to.unix_path.empty()) return "localhost";
    const bool is_ipv6 = to.host.find(':') != std::string::npos;
    std::string text = is_ipv6 ? "[" + to.host + "]" : to.host;
    if (to.port != (to.tls != nullptr ? 443 : 80)) text += ":" + std::to_string(to.port);
    return text;
}

std::string request_text(const HttpPost& post) {
    std::string text;
    // The body may hold a password. Enough memory is reserved at once, because a string that grows would leave copies.
    text.reserve(512 + post.target.size() + post.body.size());
    text.append(post.method).append(" ").append(post.target).append(" HTTP/1.1\r\nHost: ").append(host_field(post.to));
    if (!post.bearer_token.empty()) text.append("\r\nAuthorization: Bearer ").append(post.bearer_token);
    // A POST without a body needs a Content-Length of 0; some servers answer 411 otherwise (RFC 9110 section 8.6).
    if (!post.body.empty() || post.method == "POST") {
        text.append("\r\nContent-Type: ").append(post.content_type).append("\r\nContent-Length: ");
        text.append(std::to_string(post.body.size()));
    }
    text.append("\r\n\r\n").append(post.body);
    return text;
}

}  // namespace

/// A connection of the client, in use or idle.
struct HttpLink {
    HttpLink(asio::io_context& io, const Destination& whose, std::unique_ptr<ClientStream> opened)
        : to(whose), stream(std::move(opened)), ready(io), idle_timer(io) {}
    HttpLink(const HttpLink&) = delete;
    HttpLink& operator=(const HttpLink&) = delete;
    ~HttpLink() { close(); }

    /// Returns false when the loop cannot watch the descriptor.
    bool watch() {
        Error error;
        ready.assign(stream->descriptor(), error);
        return !error;
    }
    void close() {
        ++round;
        idle_timer.cancel();
        if (ready.is_open()) ready.release();
        stream.reset();
    }

    Destination to;
    std::unique_ptr<ClientStream> stream;  // nullptr = closed
    asio::posix::stream_descriptor ready;  // only waits for events; the stream owns the descriptor
    asio::steady_timer idle_timer;
    std::uint64_t round = 0;  // grows with each use and each idle time; a handler of an earlier round does nothing
};
using SharedLink = std::shared_ptr<HttpLink>;

class HttpExchange;

struct HttpClient::Parts {
    explicit Parts(asio::io_context& on) : io(on), connector(on) {}
    ~Parts() {
        for (const SharedLink& link : idle) link->close();
    }

    SharedLink reuse_idle(const Destination& to);
    void keep_idle(const SharedLink& link);
    void close_idle(HttpLink& link) {
        link.close();
        std::erase_if(idle, [&](const SharedLink& one) { return one.get() == &link; });
    }
    void watch_idle(const SharedLink& link);
    static bool is_silent(HttpLink& link);

    asio::io_context& io;
    Connector connector;
    IdleLimits limits;
    std::uint64_t generation = 0;  // grows with each change of the limits; connections of earlier ones are not kept
    std::vector<SharedLink> idle;  // in the order of the last use
    std::vector<HttpExchange*> under_way;
};

// ---------------------------------------------------------------------------------------------------------------------
// Idle connections

/// True when an idle connection is usable. A byte of HTTP without a request makes it unusable, and so does its end. The
/// check reads, because TLS 1.3 may have sent messages of its own, which are no bytes of HTTP.
bool HttpClient::Parts::is_silent(HttpLink& link) {
    std::array<Byte, 1> unasked{};
    return link.stream->read(unasked).status == ClientStream::Status::want_read;
}

/// Returns an idle connection to this destination, or nullptr. Idle connections that are tried and do not fit are
/// closed.
SharedLink HttpClient::Parts::reuse_idle(const Destination& to) {
    while (!idle.empty()) {
        const SharedLink link = idle.back();
        idle.pop_back();
        // The connection that was used last is tried first, because the server has most likely not closed it yet.
        if (link->to == to && is_silent(*link)) {
            ++link->round;
            link->idle_timer.cancel();
            // Ends the wait of watch_idle(). The new round makes its handler harmless if the event has come already.
            link->ready.cancel();
            return link;
        }
        link->close();
    }
    return nullptr;
}

void HttpClient::Parts::keep_idle(const SharedLink& link) {
    // A limit of 0 means that no connection is kept.
    if (idle.size() >= limits.connections_max) return link->close();
    ++link->round;
    idle.push_back(link);
    link->idle_timer.expires_after(limits.time_max);
    link->idle_timer.async_wait([this, link, round = link->round](const Error& error) {
        if (!error && link->round == round) close_idle(*link);
    });
    watch_idle(link);
}

void HttpClient::Parts::watch_idle(const SharedLink& link) {
    // An idle connection is readable when the server ends it, or when TLS has sent a message of its own.
    link->ready.async_wait(Wait::wait_read, [this, link, round = link->round](const Error& error) {
        if (error || link->round != round) return;
        is_silent(*link) ? watch_idle(link) : close_idle(*link);
    });
}

// ---------------------------------------------------------------------------------------------------------------------
// Requests

/// One request. Its handlers share its ownership. `client_` becomes nullptr when the request is finished or abandoned.
class HttpExchange : public std::enable_shared_from_this<HttpExchange> {
public:
    using Status = ClientStream::Status;

    HttpExchange(HttpClient::Parts& client, HttpPost post, HttpClient::Done done)
        : client_(&client),
          generation_(client.generation),
          deadline_(client.io),
          done_(std::move(done)),
          to_(post.to),
          request_(),
          answer_bytes_max_(post.answer_bytes_max),
          on_piece_(std::move(post.on_piece)) {
        request_ = request_text(post);
        // request_ has a copy of the body, and the body may hold a password.
        wipe(post.body.data(), post.body.size());
        restart();
    }
    HttpExchange(const HttpExchange&) = delete;
    HttpExchange& operator=(const HttpExchange&) = delete;
    ~HttpExchange() { wipe(request_.data(), request_.size()); }

    void start(Duration timeout) {
        timeout_ = timeout;
        client_->under_way.push_back(this);
        link_ = client_->reuse_idle(to_);
        if (link_ != nullptr) {
            is_used_before_ = true;
            // Posted, so that `done` cannot be called before HttpClient::post() has returned.
            asio::post(client_->io, [self = shared_from_this()] {
                if (self->client_ != nullptr) self->write();
            });
        } else {
            connect();
        }
        // Set after connect(), whose timer has the same length: the connector's error then comes first. It says better
        // which step took too long.
        watch_deadline();
    }

    /// The client ends: nobody wants the answer any more, and `done` is not called.
    void abandon() {
        client_ = nullptr;
        deadline_.cancel();
        if (link_ != nullptr) link_->close();
    }

private:
    void watch_deadline() {
        deadline_.expires_after(timeout_);
        deadline_.async_wait([self = shared_from_this()](const Error& error) {
            if (!error) self->fail("the answer did not come in time");
        });
    }

    void restart() {
        sent_ = 0;
        received_.clear();
        parser_.emplace();
        // Without this option the parser would stop behind the header and wait for another call.
        parser_->eager(true);
        // The pieces of an answer are never held together. parse() limits the body of a refusal.
        if (on_piece_)
            parser_->body_limit(boost::none);
        else
            parser_->body_limit(answer_bytes_max_);
        parser_->header_limit(answer_header_bytes_max);
    }

    void connect() {
        const auto done = [weak = weak_from_this()](Connector::Outcome outcome) {
            if (const auto self = weak.lock()) self->on_connected(std::move(outcome));
        };
        ticket_ = client_->connector.connect(to_, timeout_, done);
    }

    void on_connected(Connector::Outcome outcome) {
        if (client_ == nullptr) return;
        ticket_ = 0;
        // `true`: nothing was sent, so the caller may try another server without doing anything twice.
        if (outcome.stream == nullptr) return finish({0, {}, outcome.error, true});
        link_ = std::make_shared<HttpLink>(client_->io, to_, std::move(outcome.stream));
        if (!link_->watch()) return fail("the system cannot watch one more socket");
        write();
    }

    void write() {
        while (sent_ < request_.size()) {
            const Bytes rest = as_bytes(request_).subspan(sent_);
            const auto transfer = link_->stream->write(rest);
            if (transfer.status != Status::done) return go_on_later(transfer.status, &HttpExchange::write);
            sent_ += transfer.bytes;
        }
        read();
    }

    void read() {
        while (true) {
            std::array<Byte, read_bytes_max> bytes;
            const auto transfer = link_->stream->read(bytes);
            if (transfer.status != Status::done) return go_on_later(transfer.status, &HttpExchange::read);
            received_.append(as_text(Bytes(bytes).first(transfer.bytes)));
            if (parse()) return;
        }
    }

    /// Parses the received bytes. Returns true when the request is finished: the answer is complete or invalid.
    bool parse() {
        while (!received_.empty() && !parser_->is_done()) {
            Error error;
            const std::size_t used = parser_->put(asio::buffer(received_), error);
            LEDGE_ASSERT(used <= received_.size());
            received_.erase(0, used);
            const bool needs_more = error == http::error::need_more;
            if (error && !needs_more) return fail(reason_of(error)), true;
            if (on_piece_ && !pass_on()) return true;
            if (needs_more) break;
        }
        if (parser_->is_done()) return succeed(), true;
        return false;
    }

    /// Hands over what has come of the body. Returns false when the request is finished.
    bool pass_on() {
        std::string& body = parser_->get().body();
        if (body.empty()) return true;
        const unsigned status = parser_->get().result_int();
        if (status / 100 != 2) {
            if (body.size() <= answer_bytes_max_) return true;
            return fail("the answer is larger than the limit"), false;
        }
        watch_deadline();
        const bool is_wanted = on_piece_(body);
        body.clear();
        if (!is_wanted) finish({status, {}, {}, false});
        return is_wanted;
    }

    void go_on_later(Status status, void (HttpExchange::*next)()) {
        if (status == Status::ended) return on_end();
        if (status == Status::failed) return on_lost("the connection is lost: " + link_->stream->failure_reason());
        link_->ready.async_wait(status == Status::want_read ? Wait::wait_read : Wait::wait_write,
                                [self = shared_from_this(), link = link_, round = link_->round, next](const Error& e) {
                                    if (e || self->client_ == nullptr || link->round != round) return;
                                    ((*self).*next)();
                                });
    }

    /// The peer has ended the connection. Without a length in its header, an answer ends with the connection. Over TLS
    /// such an answer is refused: anybody on the network path can send a FIN and so cut the answer short.
    void on_end() {
        if (parser_->need_eof() && parser_->is_header_done()) {
            // An answer in pieces may be a backup, which must not end too early unnoticed.
            if (link_->stream->is_secured() || on_piece_) return fail("the answer does not state its length");
            Error error;
            parser_->put_eof(error);
            return error ? fail(reason_of(error)) : succeed();
        }
        on_lost(parser_->got_some() ? "the connection was closed before the end of the answer"
                                    : "the connection was closed without an answer");
    }

    /// The server may close an idle connection at the moment when a request reuses it. Then the request is sent once
    /// more over a new connection, unless a byte of the answer has come.
    void on_lost(const std::string& reason) {
        if (!is_used_before_ || parser_->got_some() || !received_.empty()) return fail(reason);
        is_used_before_ = false;
        link_->close();
        link_.reset();
        restart();
        connect();
    }

    void succeed() {
        HttpReply answer;
        answer.status = parser_->get().result_int();
        answer.body = std::move(parser_->get().body());
        // A connection is kept only if nothing can be left of this exchange: the server offers keep-alive, the answer
        // has ended by its stated length, all of the request was sent, and no byte follows the answer.
        const bool is_kept = client_ != nullptr && client_->generation == generation_ && parser_->keep_alive() &&
                             !parser_->need_eof() && answer.status >= 200 && received_.empty() &&
                             sent_ == request_.size() && !link_->stream->has_unread();
        if (is_kept) client_->keep_idle(std::exchange(link_, nullptr));
        finish(std::move(answer));
    }

    void fail(const std::string& reason) { finish({0, {}, reason, false}); }

    void finish(HttpReply answer) {
        if (client_ == nullptr) return;
        HttpClient::Parts& client = *std::exchange(client_, nullptr);
        std::erase(client.under_way, this);
        // The deadline may have come while the connection was being opened.
        client.connector.give_up(ticket_);
        deadline_.cancel();
        if (link_ != nullptr) link_->close();
        // Called last and from a local variable: the call may destroy the client.
        const HttpClient::Done done = std::move(done_);
        done(std::move(answer));
    }

    HttpClient::Parts* client_;
    std::uint64_t generation_;
    asio::steady_timer deadline_;
    HttpClient::Done done_;
    Destination to_;
    std::string request_;  // kept until the end, because it may have to be sent again; wiped then
    std::size_t answer_bytes_max_;
    std::function<bool(std::string_view)> on_piece_;  // empty = the body is a part of the reply
    Duration timeout_{};
    Connector::Ticket ticket_ = 0;  // 0 = no connection is being opened
    SharedLink link_;
    bool is_used_before_ = false;  // link_ was idle before, so the server may have closed it
    std::size_t sent_ = 0;
    std::string received_;  // bytes that are not yet parsed
    std::optional<http::response_parser<GrowingBody>> parser_;
};

HttpClient::HttpClient(asio::io_context& io) : parts_(std::make_unique<Parts>(io)) {}

HttpClient::~HttpClient() {
    for (HttpExchange* exchange : parts_->under_way) exchange->abandon();
}

void HttpClient::use_workers(os::WorkerPool& workers) { parts_->connector.use_workers(workers); }

void HttpClient::set_idle_limits(const IdleLimits& limits) {
    parts_->limits = limits;
    ++parts_->generation;
    // Idle connections may lead to a server that the new configuration no longer names.
    for (const SharedLink& link : std::exchange(parts_->idle, {})) link->close();
}

void HttpClient::post(HttpPost request, Done done) {
    LEDGE_ASSERT(done);
    const Duration timeout = request.timeout;
    std::make_shared<HttpExchange>(*parts_, std::move(request), std::move(done))->start(timeout);
}

std::size_t HttpClient::under_way() const { return parts_->under_way.size(); }

}  // namespace ledge::net
