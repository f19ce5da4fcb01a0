// HttpSession: one HTTP peer, from its connection until it becomes a WebSocket or is closed. The handlers of the
// session share its ownership. Only web_front.cpp includes this file. On the loop's thread.
//
//     reading ◄──────────────────────── keep-alive ───────────────────────┐
//        │  ▲ 100                                                         │
//        │  └─► continuing                                                │
//        ├──request──► asking ──answer──────────────────────────► answering ──close──► ending (FIN, drain) ──► closed
//        │                └──stream──► streaming ──end──► ending
//        └──upgrade──► WsLink
//
// This file reads requests and their bodies; http_requests.hpp decides about a request, http_answers.hpp sends answers.
#pragma once

#include <boost/asio/write.hpp>
#include <boost/beast/http.hpp>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "http_text.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/base/ip_text.hpp"
#include "ledge/os/address.hpp"
#include "request_body.hpp"
#include "rules.hpp"
#include "stream_buffer.hpp"
#include "visitors.hpp"
#include "ws_link.hpp"

namespace ledge::transport {

namespace http = boost::beast::http;

/// A peer's identity as TLS or the kernel has proven it.
struct ProvenPeer {
    std::string user = {};  // "" = TLS has proven no user name
    bool has_certificate = false;
    std::optional<PeerProcess> process = {};  // of a Unix socket
};

template <class Stream>
class HttpSession final : public Visitor,
                          public HttpExchange,
                          public std::enable_shared_from_this<HttpSession<Stream>> {
public:
    using Error = boost::system::error_code;
    using Parser = http::request_parser<RequestBody>;
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

    void begin();

    // As Visitor
    void expire() override;
    void close() override;

    // As HttpExchange
    bool is_waiting() const override { return front_ != nullptr && phase_ == Phase::asking; }
    bool is_streaming() const override {
        return front_ != nullptr && phase_ == Phase::streaming && !stream_answer_->is_ended();
    }
    void answer(HttpAnswer answer) override;
    void wait_without_limit() override { is_unlimited_ = true; }
    void begin_stream(const HttpStreamHead& head) override;
    std::size_t stream_room() const override { return stream_answer_->room(); }
    bool write_piece(std::string_view piece) override;
    void end_stream(bool is_complete) override;

private:
    enum class Phase : std::uint8_t {
        reading,     // a request is being read
        continuing,  // "100 Continue" is being sent
        asking,      // the handler has the request
        answering,   // the answer is being sent
        streaming,   // a streaming answer has begun
        ending,      // our end is sent or being sent
    };

    // Reading
    void read();
    void on_read(const Error& error, std::size_t bytes);
    void parse();
    void on_parse_error(const Error& error);
    bool accept_header();
    bool account_body();
    void release_body();

    // Deciding
    void on_request();
    void ask_handler();
    void upgrade(const Request& request);
    void log_refusal(std::uint16_t status, std::string_view why);
    bool serves_websocket_at(std::string_view path) const;
    std::string peer_address(const Request& request) const;

    // Answering
    void refuse(std::uint16_t status, std::string_view why = {}) {
        log_refusal(status, why);
        send(http_error(status, why), false);
    }
    void send_continue();
    void send(const HttpAnswer& answer, bool keeps_alive);
    void on_answered(const Error& error, bool keeps_alive);
    void send_pieces();
    void on_pieces_sent(const Error& error);
    void end();
    void shut_down();

    std::shared_ptr<HttpSession> self() { return this->shared_from_this(); }

    Stream stream_;
    os::SocketAddress address_;
    ProvenPeer peer_;
    WebFrontState* front_;  // nullptr = closed, or a WebSocket now
    PeerCount count_;
    std::optional<Parser> parser_;
    std::vector<char> in_;
    std::size_t used_ = 0;        // the bytes at the front of in_ that are not parsed yet
    std::size_t body_bytes_ = 0;  // the part of WebFrontState::bodies_bytes that is of this session
    std::string out_;
    std::unique_ptr<StreamBuffer> stream_answer_;  // set in the phase streaming
    std::shared_ptr<HttpSession> keeper_;          // this session, while no handler of the stream need share it
    Phase phase_ = Phase::reading;
    bool is_reading_ = false;    // a read is under way
    bool is_unlimited_ = false;  // the handler itself bounds the time of its answer
};

// ---------------------------------------------------------------------------------------------------------------------
// Time

template <class Stream>
void HttpSession<Stream>::begin() {
    release_body();
    keeper_.reset();
    phase_ = Phase::reading;
    is_unlimited_ = false;
    parser_.emplace();
    parser_->header_limit(front_->options.limits.header_bytes_max);
    parser_->body_limit(front_->options.limits.body_bytes_max);
    front_->wait(*this, Visit::requesting);
    parse();
}

/// A timeout while a request is being read is answered with 408. A peer that has sent nothing gets no answer.
template <class Stream>
void HttpSession<Stream>::expire() {
    const bool has_begun = phase_ == Phase::reading && (used_ > 0 || parser_->got_some());
    if (has_begun) return refuse(408);
    if (phase_ != Phase::asking) return close();
    const auto gone = std::exchange(on_gone, nullptr);
    refuse(504, "the broker has not answered in time");
    // The handler's Responder has no effect any more.
    if (gone) gone();
}

template <class Stream>
void HttpSession<Stream>::close() {
    if (front_ == nullptr) return;
    // The last owner of the session may be the session itself.
    const std::shared_ptr<HttpSession> keeper = std::exchange(keeper_, nullptr);
    release_body();
    std::exchange(front_, nullptr)->forget(*this);
    stream_.close();
    on_drained = nullptr;
    if (on_gone) std::exchange(on_gone, nullptr)();
}

// ---------------------------------------------------------------------------------------------------------------------
// Reading

template <class Stream>
void HttpSession<Stream>::read() {
    if (std::exchange(is_reading_, true)) return;
    // The handler shares the ownership of the session, so the session lives until the read has ended.
    stream_.async_read_some(asio::buffer(in_.data() + used_, in_.size() - used_),
                            [self = self()](const Error& error, std::size_t bytes) { self->on_read(error, bytes); });
}

template <class Stream>
void HttpSession<Stream>::on_read(const Error& error, std::size_t bytes) {
    is_reading_ = false;
    if (front_ == nullptr) return;
    if (phase_ == Phase::ending) return shut_down();
    // An answer that is being sent is sent also to a peer that has ended its direction.
    if (error) return phase_ == Phase::answering ? void() : close();
    // A stream ends the connection, so nobody needs the bytes. The next read notices the end of the peer.
    if (phase_ == Phase::streaming) return read();
    // The peer may send its next request before it has the answer to this one. begin() will parse it.
    used_ += bytes;
    if (phase_ == Phase::reading) parse();
}

template <class Stream>
void HttpSession<Stream>::parse() {
    // One call of put() parses the header, and further ones parse the body.
    while (used_ > 0 && !parser_->is_done()) {
        Error error;
        const bool was_in_body = parser_->is_header_done();
        const std::size_t taken = parser_->put(asio::buffer(in_.data(), used_), error);
        LEDGE_ASSERT(taken <= used_ && used_ <= in_.size());
        used_ -= taken;
        // The parser may leave an incomplete part. This rest moves to the front of the buffer and is parsed again
        // later.
        std::copy_n(in_.begin() + static_cast<std::ptrdiff_t>(taken), used_, in_.begin());
        if (error && error != http::error::need_more) return on_parse_error(error);
        if (!was_in_body && parser_->is_header_done() && !accept_header()) return;
        if (!account_body()) return;
        if (error || taken == 0) break;
    }
    if (parser_->is_done()) return on_request();
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
    if (error == http::error::body_limit) return refuse(413, "the body is too large");
    refuse(400, error.message());
}

/// Counts the bytes of the body that have come. False: all bodies together are too large, and the request was refused.
template <class Stream>
bool HttpSession<Stream>::account_body() {
    const std::size_t bytes = parser_->get().body().size();
    front_->bodies_bytes += bytes - body_bytes_;
    body_bytes_ = bytes;
    if (front_->bodies_bytes <= front_->options.limits.bodies_bytes_max) return true;
    refuse(503, "too many bodies of requests at the same time");
    return false;
}

template <class Stream>
void HttpSession<Stream>::release_body() {
    front_->bodies_bytes -= std::exchange(body_bytes_, 0);
}

}  // namespace ledge::transport
