// HttpSession's answers: whole ones, and those in pieces. Only web_front.cpp includes this file.
#pragma once

#include "http_requests.hpp"
#include "http_session.hpp"

namespace ledge::transport {

inline constexpr std::string_view continue_line = "HTTP/1.1 100 Continue\r\n\r\n";

template <class Stream>
void HttpSession<Stream>::send_continue() {
    LEDGE_ASSERT(phase_ == Phase::reading);
    phase_ = Phase::continuing;
    asio::async_write(stream_, asio::buffer(continue_line), [self = self()](const Error& error, std::size_t) {
        if (self->front_ == nullptr) return;
        if (error) return self->close();
        self->phase_ = Phase::reading;
        self->parse();
    });
}

/// The answer of the handler.
template <class Stream>
void HttpSession<Stream>::answer(HttpAnswer answer) {
    LEDGE_ASSERT(is_waiting());
    const Request& request = parser_->get();
    const std::string_view target = origin_form(std::string_view(request.target()));
    // If every path may be a WebSocket, the pages come first, and only an unknown page is answered with 426.
    if (answer.status == 404 && serves_websocket_at(target.substr(0, std::min(target.find('?'), target.size())))) {
        log_refusal(426, "a request without an upgrade to WebSocket");
        return send(http_error(426, "this path serves MQTT over WebSocket"), false);
    }
    const bool is_known = answer.status == 200 && has_tag(request[http::field::if_none_match], answer.etag);
    if (is_known) answer.status = 304;
    send(answer, request.keep_alive());
}

template <class Stream>
void HttpSession<Stream>::send(const HttpAnswer& answer, bool keeps_alive) {
    LEDGE_ASSERT(front_ != nullptr && (phase_ == Phase::reading || phase_ == Phase::asking));
    phase_ = Phase::answering;
    out_ = format_http(answer, parser_->get().method() == http::verb::head, keeps_alive);
    front_->wait(*this, Visit::requesting);
    asio::async_write(stream_, asio::buffer(out_), [self = self(), keeps_alive](const Error& error, std::size_t) {
        self->on_answered(error, keeps_alive);
    });
}

template <class Stream>
void HttpSession<Stream>::on_answered(const Error& error, bool keeps_alive) {
    if (front_ == nullptr) return;
    if (error) return close();
    out_ = {};
    if (!keeps_alive) return end();
    begin();
}

template <class Stream>
void HttpSession<Stream>::end() {
    LEDGE_ASSERT(front_ != nullptr && phase_ != Phase::ending);
    phase_ = Phase::ending;
    front_->wait(*this, Visit::ending);
    // A read that is under way would compete with the reads of the orderly end. on_read() calls shut_down() then.
    if (is_reading_) return stream_.cancel();
    shut_down();
}

template <class Stream>
void HttpSession<Stream>::shut_down() {
    stream_.async_shutdown([self = self()](const Error&) { self->close(); });
}

// ---------------------------------------------------------------------------------------------------------------------
// Streaming

template <class Stream>
void HttpSession<Stream>::begin_stream(const HttpStreamHead& head) {
    LEDGE_ASSERT(is_waiting());
    const bool is_head = parser_->get().method() == http::verb::head;
    const bool is_chunked = parser_->get().version() >= 11 && !is_head;
    phase_ = Phase::streaming;
    keeper_ = self();
    stream_answer_ = std::make_unique<StreamBuffer>(format_stream_head(head, is_chunked), is_chunked,
                                                    front_->options.limits.stream_bytes_max);
    // An answer to HEAD has no content, so the stream has ended before its first piece.
    if (is_head) stream_answer_->end();
    used_ = 0;  // a stream ends the connection, so no further request is parsed
    read();
    send_pieces();
}

template <class Stream>
bool HttpSession<Stream>::write_piece(std::string_view piece) {
    LEDGE_ASSERT(is_streaming());
    if (!stream_answer_->write(piece)) return false;
    send_pieces();
    return true;
}

template <class Stream>
void HttpSession<Stream>::end_stream(bool is_complete) {
    LEDGE_ASSERT(is_streaming());
    if (!is_complete) return close();
    stream_answer_->end();
    send_pieces();
}

template <class Stream>
void HttpSession<Stream>::send_pieces() {
    if (stream_answer_->is_sending()) return;  // on_pieces_sent() calls again
    const std::string_view bytes = stream_answer_->begin_send();
    if (bytes.empty()) {
        if (stream_answer_->is_ended()) return end();
        return front_->wait(*this, Visit::quiet);
    }
    front_->wait(*this, Visit::streaming);
    asio::async_write(stream_, asio::buffer(bytes),
                      [self = self()](const Error& error, std::size_t) { self->on_pieces_sent(error); });
}

template <class Stream>
void HttpSession<Stream>::on_pieces_sent(const Error& error) {
    if (front_ == nullptr) return;
    if (error) return close();
    stream_answer_->sent();
    send_pieces();
    // A copy, since the callback may replace or remove itself.
    const auto drained = on_drained;
    if (drained && is_streaming() && stream_answer_->empty()) drained();
}

}  // namespace ledge::transport
