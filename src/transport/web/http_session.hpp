// HttpSession: one HTTP peer, from its connection until it becomes a WebSocket or is closed. The handlers of the
// session share its ownership. Only web_front.cpp includes this file. On the loop's thread.
//
//     reading ──complete request──► answering ──keep-alive──► reading
//        │                             └──────close──────► ending (FIN, drain) ──► closed
//        └──upgrade──► WsLink
#pragma once

#include <boost/asio/write.hpp>
#include <boost/beast/http.hpp>
#include <boost/intrusive/list.hpp>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "http_text.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/base/ip_text.hpp"
#include "ledge/base/shares.hpp"
#include "ledge/os/address.hpp"
#include "rules.hpp"
#include "ws_link.hpp"

namespace ledge::transport {

namespace http = boost::beast::http;

/// A session as the front sees it. The front has lists of visitors, with the oldest deadline first.
class Visitor : public boost::intrusive::list_base_hook<> {
public:
    virtual ~Visitor() = default;
    /// The deadline has passed.
    virtual void expire() = 0;
    /// Closes the connection at once, without an answer.
    virtual void close() = 0;

    Instant deadline = never;
    NetworkId network = NetworkId::none;
    boost::intrusive::list<Visitor>* list = nullptr;  // the list that contains the visitor; nullptr = none
};

/// A peer's identity as TLS has proven it.
struct ProvenPeer {
    std::string user;  // "" = TLS has proven no user name
    bool has_certificate = false;
};

/// The state that all sessions of a front share. The front closes its sessions before its end.
struct WebFrontState {
    using List = boost::intrusive::list<Visitor>;

    WebOptions options;
    const HttpHandler& handler;
    Driver& driver;
    const Log& log;
    PeerCount count = std::make_shared<std::size_t>(0);
    List waiting{};                // sessions that wait for a request, or until their answer is sent
    List ending{};                 // sessions that have sent their end and wait for the peer's end
    Shares<NetworkId> networks{};  // how many visitors of both lists each network has

    void make_room();
    void wait(Visitor& visitor, List& list, Duration time);
    void forget(Visitor& visitor);
};

template <class Stream>
class HttpSession final : public Visitor, public std::enable_shared_from_this<HttpSession<Stream>> {
public:
    using Error = boost::system::error_code;
    using Parser = http::request_parser<http::empty_body>;
    using Request = Parser::value_type;

    static constexpr std::size_t first_bytes = 1024;  // the buffer's first size; it grows up to header_bytes_max

    HttpSession(Stream stream, const os::SocketAddress& address, ProvenPeer peer, WebFrontState& front)
        : stream_(std::move(stream)),
          address_(address),
          peer_(std::move(peer)),
          front_(&front),
          count_(front.count),
          in_(first_bytes) {
        // The counter is shared, because a WebSocket that comes out of this session continues to count.
        ++*count_;
        const auto ip = address.ip();
        network = ip ? network_of(*ip) : NetworkId::none;
    }
    ~HttpSession() override { --*count_; }
    HttpSession(const HttpSession&) = delete;
    HttpSession& operator=(const HttpSession&) = delete;

    void begin() {
        parser_.emplace();
        parser_->header_limit(front_->options.limits.header_bytes_max);
        front_->wait(*this, front_->waiting, front_->options.limits.request_timeout);
        parse();
    }

    /// A timeout while a request is being read is answered with 408. A peer that has sent nothing gets no answer.
    void expire() override {
        const bool has_begun = (used_ > 0 || parser_->got_some()) && !is_answering_ && !is_ending_;
        if (!has_begun) return close();
        refuse(408);
    }
    void close() override {
        if (front_ == nullptr) return;
        std::exchange(front_, nullptr)->forget(*this);
        stream_.close();
    }

private:
    void read();
    void on_read(const Error& error, std::size_t bytes);
    void parse();
    void on_parse_error(const Error& error);
    void on_request();
    void upgrade(const Request& request);
    void log_refusal(std::uint16_t status, std::string_view why);
    bool serves_websocket_at(std::string_view path) const;
    std::string peer_address(const WebSocketOptions& options, const Request& request) const;
    HttpAnswer ask_handler(const Request& request, std::string_view target);
    void refuse(std::uint16_t status, std::string_view why = {}) {
        log_refusal(status, why);
        answer(http_error(status, why), false, false);
    }
    void answer(const HttpAnswer& answer, bool is_head, bool keeps_alive);
    void on_answered(const Error& error, bool keeps_alive);
    void end();

    Stream stream_;
    os::SocketAddress address_;
    ProvenPeer peer_;
    WebFrontState* front_;  // nullptr = closed, or a WebSocket now
    PeerCount count_;
    std::optional<Parser> parser_;
    std::vector<char> in_;
    std::size_t used_ = 0;  // the bytes at the front of in_ that are not parsed yet
    std::string out_;
    bool is_answering_ = false;
    bool is_ending_ = false;
};

// ---------------------------------------------------------------------------------------------------------------------
// Reading

template <class Stream>
void HttpSession<Stream>::read() {
    // The handler shares the ownership of the session, so the session lives until the read has ended.
    stream_.async_read_some(
        asio::buffer(in_.data() + used_, in_.size() - used_),
        [self = this->shared_from_this()](const Error& error, std::size_t bytes) { self->on_read(error, bytes); });
}

template <class Stream>
void HttpSession<Stream>::on_read(const Error& error, std::size_t bytes) {
    if (front_ == nullptr || is_answering_ || is_ending_) return;  // a timeout has come before: 408 is being sent
    if (error) return close();
    used_ += bytes;
    parse();
}

template <class Stream>
void HttpSession<Stream>::parse() {
    Error error;
    // The parser may leave an incomplete part. This rest moves to the front of the buffer and is parsed again later.
    const std::size_t taken = used_ == 0 ? 0 : parser_->put(asio::buffer(in_.data(), used_), error);
    LEDGE_ASSERT(taken <= used_ && used_ <= in_.size());
    used_ -= taken;
    std::copy_n(in_.begin() + static_cast<std::ptrdiff_t>(taken), used_, in_.begin());
    if (error && error != http::error::need_more) return on_parse_error(error);
    if (parser_->is_header_done()) return on_request();
    if (used_ == in_.size()) {
        const std::size_t size_max = front_->options.limits.header_bytes_max;
        // The request does not fit even into the largest buffer.
        if (in_.size() >= size_max) return refuse(431);
        in_.resize(std::min(in_.size() * 2, size_max));
    }
    read();
}

template <class Stream>
void HttpSession<Stream>::on_parse_error(const Error& error) {
    if (error == http::error::header_limit) return refuse(431);
    if (error == http::error::bad_version) return refuse(505);
    refuse(400, error.message());
}

// ---------------------------------------------------------------------------------------------------------------------
// Deciding

/// The path of "/path?query" and of "http://host/path?query" (RFC 9112 section 3.2.2).
inline std::string_view origin_form(std::string_view target) {
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (!target.starts_with(scheme)) continue;
        const std::size_t slash = target.find('/', scheme.size());
        return slash == std::string_view::npos ? std::string_view("/") : target.substr(slash);
    }
    return target;
}

/// The beginning of a text from a peer, as long as a log line shows it.
inline std::string_view shown(std::string_view text) { return text.substr(0, 128); }

/// All fields with this name, joined to one list (RFC 9110 section 5.2).
template <class Fields, class Name>
std::string combined(const Fields& fields, const Name& name) {
    std::string out;
    const auto [begin, end] = fields.equal_range(name);
    for (auto it = begin; it != end; ++it) {
        if (!out.empty()) out += ',';
        out += std::string_view(it->value());
    }
    return out;
}

template <class Stream>
void HttpSession<Stream>::on_request() {
    const Request& request = parser_->get();
    const std::string_view target = origin_form(std::string_view(request.target()));
    // RFC 9112 section 3.2.
    if (request.version() == 11 && request.count(http::field::host) != 1)
        return refuse(400, "the request must have one Host field");
    if (request.method() == http::verb::unknown) return refuse(501);
    const bool is_head = request.method() == http::verb::head;
    // The admin listener has no WebSocket. Only there, a client that may read the pages may also delete.
    const bool is_removal = request.method() == http::verb::delete_ && !front_->options.websocket;
    if (request.method() != http::verb::get && !is_head && !is_removal) return refuse(405);
    // No page accepts a body, and an unread body would be parsed as the next request.
    const bool has_body = parser_->chunked() || parser_->content_length().value_or(0) > 0;
    if (has_body) return refuse(413, "a request must have no body");
    // For example "*" or "host:port" (RFC 9112 sections 3.2.3 and 3.2.4).
    if (!target.starts_with('/')) return refuse(400, "the target must begin with a path");

    const std::string_view path = target.substr(0, std::min(target.find('?'), target.size()));
    const bool is_websocket_path = serves_websocket_at(path);
    if (websocket::is_upgrade(request)) {
        if (!is_websocket_path) return refuse(404, "there is no WebSocket at this path");
        return upgrade(request);
    }
    const bool is_page = !is_websocket_path || front_->options.websocket->path.empty();
    // If every path may be a WebSocket, the pages come first, and only an unknown page is answered with 426.
    const HttpAnswer page = is_page ? ask_handler(request, target) : http_error(404);
    if (!is_websocket_path || page.status != 404) return answer(page, is_head, request.keep_alive());
    log_refusal(426, "a request without an upgrade to WebSocket");
    answer(http_error(426, "this path serves MQTT over WebSocket"), is_head, false);
}

template <class Stream>
bool HttpSession<Stream>::serves_websocket_at(std::string_view path) const {
    const auto& options = front_->options.websocket;
    return options && (options->path.empty() || path == options->path);
}

/// Logs a refused request, as far as it was parsed, together with the path that serves WebSocket.
template <class Stream>
void HttpSession<Stream>::log_refusal(std::uint16_t status, std::string_view why) {
    const Request& request = parser_->get();
    const auto& options = front_->options.websocket;
    std::string_view served = "pages only";
    if (options) served = options->path.empty() ? std::string_view("any path") : options->path;
    const std::string offered = combined(request, http::field::sec_websocket_protocol);
    front_->log.info("http_refused", {{"address", options ? peer_address(*options, request) : to_text(address_)},
                                      {"status", status},
                                      {"reason", why.empty() ? http_reason(status) : why},
                                      {"asked", shown(request.target())},
                                      {"websocket_at", served},
                                      {"origin", shown(request[http::field::origin])},
                                      {"subprotocols", shown(offered)}});
}

template <class Stream>
HttpAnswer HttpSession<Stream>::ask_handler(const Request& request, std::string_view target) {
    if (!front_->handler) return http_error(404);
    HttpRequest asked;
    asked.is_removal = request.method() == http::verb::delete_;
    const std::size_t question = std::min(target.find('?'), target.size());
    asked.path = target.substr(0, question);
    asked.query = target.substr(std::min(question + 1, target.size()));
    asked.host = host_without_port(std::string_view(request[http::field::host]));
    asked.bearer_token = bearer_token(std::string_view(request[http::field::authorization]));
    asked.is_admin = !front_->options.websocket;
    asked.has_certificate = peer_.has_certificate;
    const std::string address =
        front_->options.websocket ? peer_address(*front_->options.websocket, request) : to_text(address_);
    asked.address = address;
    return front_->handler(asked);
}

/// Makes a WebSocket of the connection, unless MQTT or RFC 6455 requires a refusal. Beast checks the remaining rule,
/// the version of WebSocket.
template <class Stream>
void HttpSession<Stream>::upgrade(const Request& request) {
    const WebSocketOptions& options = *front_->options.websocket;
    const auto origin = request.find(http::field::origin);
    // Only browsers send Origin. Other clients have no pages that could misuse a user's login.
    if (origin != request.end() && !is_allowed_origin(std::string_view(origin->value()), options.origins))
        return refuse(403, "pages of this origin may not connect");
    const std::string_view subprotocol = choose_subprotocol(combined(request, http::field::sec_websocket_protocol));
    if (subprotocol.empty())  // [MQTT-6.0.0-3]
        return refuse(400, "the subprotocol mqtt must be offered");
    if (!is_websocket_key(std::string_view(request[http::field::sec_websocket_key])))
        return refuse(400, "Sec-WebSocket-Key must be the base64 text of 16 bytes");
    if (request[http::field::sec_websocket_version] != "13")  // Beast sends the answer, with the version it supports
        log_refusal(426, "the version of WebSocket is not 13");
    // RFC 6455 section 4.1: a client waits for the answer before it sends anything further.
    if (used_ > 0) return refuse(400, "the client sent bytes before the answer to its upgrade");

    // From here on the connection belongs to the driver, and the session ends with its last handler.
    WebFrontState& front = *std::exchange(front_, nullptr);
    front.forget(*this);
    const std::string address = peer_address(options, request);
    auto link = std::make_unique<WsLink<Stream>>(std::move(stream_), options, address, front.driver, front.log, count_);
    WsLink<Stream>& adopted = *link;
    if (front.driver.adopt(std::move(link), broker::Peer{front.options.index, address, peer_.user}))
        adopted.accept(request, subprotocol);
}

/// The peer's address for logs: the client that a trusted proxy names, otherwise the address of the socket's peer.
template <class Stream>
std::string HttpSession<Stream>::peer_address(const WebSocketOptions& options, const Request& request) const {
    const auto address = address_.ip();
    // Anybody can send X-Forwarded-For; the field counts only if a trusted proxy has sent it.
    if (!address || !is_in(options.trusted_proxies, *address)) return to_text(address_);
    const auto client = forwarded_client(combined(request, "X-Forwarded-For"), options.trusted_proxies);
    return client ? ip_text(*client) : to_text(address_);
}

// ---------------------------------------------------------------------------------------------------------------------
// Answering

template <class Stream>
void HttpSession<Stream>::answer(const HttpAnswer& answer, bool is_head, bool keeps_alive) {
    LEDGE_ASSERT(front_ != nullptr && !is_answering_ && !is_ending_);
    is_answering_ = true;
    out_ = format_http(answer, is_head, keeps_alive);
    front_->wait(*this, front_->waiting, front_->options.limits.request_timeout);
    asio::async_write(stream_, asio::buffer(out_),
                      [self = this->shared_from_this(), keeps_alive](const Error& error, std::size_t) {
                          self->on_answered(error, keeps_alive);
                      });
}

template <class Stream>
void HttpSession<Stream>::on_answered(const Error& error, bool keeps_alive) {
    if (front_ == nullptr) return;
    if (error) return close();
    is_answering_ = false;
    out_ = {};
    if (!keeps_alive) return end();
    begin();
}

template <class Stream>
void HttpSession<Stream>::end() {
    LEDGE_ASSERT(front_ != nullptr && !is_ending_);
    is_ending_ = true;
    front_->wait(*this, front_->ending, front_->options.limits.linger_time_max);
    stream_.async_shutdown([self = this->shared_from_this()](const Error&) { self->close(); });
}

}  // namespace ledge::transport
