// Responder and HttpStream: what a handler has of a request. Both refer to the front's session, which may have ended.
#include <utility>

#include "http_text.hpp"
#include "ledge/transport/http.hpp"

namespace ledge::transport {

std::string_view name_of(HttpMethod method) {
    switch (method) {
        case HttpMethod::get: return "GET";
        case HttpMethod::head: return "HEAD";
        case HttpMethod::post: return "POST";
        case HttpMethod::put: return "PUT";
        case HttpMethod::remove: return "DELETE";
    }
    return "";
}

// ---------------------------------------------------------------------------------------------------------------------

Responder& Responder::operator=(Responder&& other) noexcept {
    // The destructor of `old` answers the former request, if nobody has.
    const Responder old(std::exchange(exchange_, std::move(other.exchange_)));
    return *this;
}

Responder::~Responder() {
    if (is_open()) answer(http_error(500, "the request was not answered"));
}

bool Responder::is_open() const {
    const auto exchange = exchange_.lock();
    return exchange != nullptr && exchange->is_waiting();
}

void Responder::answer(HttpAnswer answer) {
    const auto exchange = std::exchange(exchange_, {}).lock();
    if (exchange == nullptr || !exchange->is_waiting()) return;
    exchange->on_gone = nullptr;
    exchange->answer(std::move(answer));
}

HttpStream Responder::stream(const HttpStreamHead& head) {
    const auto exchange = std::exchange(exchange_, {}).lock();
    if (exchange == nullptr || !exchange->is_waiting()) return {};
    exchange->on_gone = nullptr;
    exchange->begin_stream(head);
    return HttpStream(exchange);
}

void Responder::wait_without_limit() {
    const auto exchange = exchange_.lock();
    if (exchange != nullptr && exchange->is_waiting()) exchange->wait_without_limit();
}

void Responder::on_gone(std::function<void()> gone) {
    const auto exchange = exchange_.lock();
    if (exchange != nullptr && exchange->is_waiting()) exchange->on_gone = std::move(gone);
}

// ---------------------------------------------------------------------------------------------------------------------

HttpStream& HttpStream::operator=(HttpStream&& other) noexcept {
    // The destructor of `old` ends the former stream.
    const HttpStream old(std::exchange(exchange_, std::move(other.exchange_)));
    return *this;
}

bool HttpStream::is_open() const {
    const auto exchange = exchange_.lock();
    return exchange != nullptr && exchange->is_streaming();
}

std::size_t HttpStream::room() const {
    const auto exchange = exchange_.lock();
    return exchange != nullptr && exchange->is_streaming() ? exchange->stream_room() : 0;
}

bool HttpStream::write(std::string_view piece) {
    const auto exchange = exchange_.lock();
    return exchange != nullptr && exchange->is_streaming() && exchange->write_piece(piece);
}

void HttpStream::on_drained(std::function<void()> drained) {
    const auto exchange = exchange_.lock();
    if (exchange != nullptr && exchange->is_streaming()) exchange->on_drained = std::move(drained);
}

void HttpStream::on_gone(std::function<void()> gone) {
    const auto exchange = exchange_.lock();
    if (exchange != nullptr && exchange->is_streaming()) exchange->on_gone = std::move(gone);
}

void HttpStream::finish(bool is_complete) {
    const auto exchange = std::exchange(exchange_, {}).lock();
    if (exchange == nullptr || !exchange->is_streaming()) return;
    exchange->on_drained = nullptr;
    exchange->on_gone = nullptr;
    exchange->end_stream(is_complete);
}

}  // namespace ledge::transport
