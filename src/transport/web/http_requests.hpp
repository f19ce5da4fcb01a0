// HttpSession's decisions about a request: whether its header is acceptable, and whether it becomes a WebSocket or
// goes to the handler. Only web_front.cpp and http_answers.hpp include this file.
#pragma once

#include <boost/beast/core/string.hpp>

#include "http_session.hpp"

namespace ledge::transport {

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

/// The method as the handler gets it; nullopt = the front serves no such method.
inline std::optional<HttpMethod> method_of(http::verb verb) {
    if (verb == http::verb::get) return HttpMethod::get;
    if (verb == http::verb::head) return HttpMethod::head;
    if (verb == http::verb::post) return HttpMethod::post;
    if (verb == http::verb::put) return HttpMethod::put;
    if (verb == http::verb::delete_) return HttpMethod::remove;
    return std::nullopt;
}

/// Checks a complete header before the body is read. False: the request was refused, or waits until "100 Continue" is
/// sent.
template <class Stream>
bool HttpSession<Stream>::accept_header() {
    const Request& request = parser_->get();
    const auto refused = [this](std::uint16_t status, std::string_view why = {}) {
        refuse(status, why);
        return false;
    };
    // RFC 9112 section 3.2.
    if (request.version() == 11 && request.count(http::field::host) != 1)
        return refused(400, "the request must have one Host field");
    if (request.method() == http::verb::unknown) return refused(501);
    if (!method_of(request.method())) return refused(405);
    const bool has_body = parser_->chunked() || parser_->content_length().value_or(0) > 0;
    const bool may_have_body = request.method() == http::verb::post || request.method() == http::verb::put;
    if (has_body && !may_have_body) return refused(413, "a request with this method must have no body");
    // For example "*" or "host:port" (RFC 9112 sections 3.2.3 and 3.2.4).
    if (!origin_form(std::string_view(request.target())).starts_with('/'))
        return refused(400, "the target must begin with a path");
    const std::string_view expected(request[http::field::expect]);
    if (expected.empty() || !has_body) return true;
    // RFC 9110 section 10.1.1: there is only this expectation.
    if (!boost::beast::iequals(expected, "100-continue")) return refused(417);
    // A peer that has already sent a part of the body does not wait.
    if (used_ > 0 || request.version() < 11) return true;
    send_continue();
    return false;
}

template <class Stream>
void HttpSession<Stream>::on_request() {
    const Request& request = parser_->get();
    const std::string_view target = origin_form(std::string_view(request.target()));
    const std::string_view path = target.substr(0, std::min(target.find('?'), target.size()));
    const bool is_websocket_path = serves_websocket_at(path);
    if (websocket::is_upgrade(request)) {
        if (!is_websocket_path) return refuse(404, "there is no WebSocket at this path");
        return upgrade(request);
    }
    phase_ = Phase::asking;
    const bool is_page = !is_websocket_path || front_->options.websocket->path.empty();
    const bool is_reading = request.method() == http::verb::get || request.method() == http::verb::head;
    if (!is_page && !is_reading) return answer(http_error(405));
    // answer() turns 404 into 426 where a WebSocket would be served.
    if (!is_page || !front_->handler) return answer(http_error(404));
    ask_handler();
    if (!is_waiting()) return;
    // The handler answers later. Until then the list of the front is all that knows the session.
    keeper_ = self();
    front_->wait(*this, is_unlimited_ ? Visit::quiet : Visit::waiting);
    // The read notices the end of the peer. With bytes of a further request in the buffer there is none, since begin()
    // moves those bytes.
    if (used_ == 0) read();
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
    front_->log.info("http_refused", {{"address", peer_address(request)},
                                      {"status", status},
                                      {"reason", why.empty() ? http_reason(status) : why},
                                      {"asked", shown(request.target())},
                                      {"websocket_at", served},
                                      {"origin", shown(request[http::field::origin])},
                                      {"subprotocols", shown(offered)}});
}

template <class Stream>
void HttpSession<Stream>::ask_handler() {
    const Request& request = parser_->get();
    const std::string_view target = origin_form(std::string_view(request.target()));
    const std::size_t question = std::min(target.find('?'), target.size());
    const std::string address = peer_address(request);
    HttpRequest asked;
    asked.method = *method_of(request.method());
    asked.path = target.substr(0, question);
    asked.query = target.substr(std::min(question + 1, target.size()));
    asked.host = host_without_port(std::string_view(request[http::field::host]));
    asked.authority = request[http::field::host];
    asked.bearer_token = bearer_token(std::string_view(request[http::field::authorization]));
    asked.address = address;
    asked.body = request.body();
    asked.content_type = request[http::field::content_type];
    asked.if_none_match = request[http::field::if_none_match];
    asked.accept_encoding = request[http::field::accept_encoding];
    asked.origin = request[http::field::origin];
    asked.is_admin = !front_->options.websocket;
    asked.has_certificate = peer_.has_certificate;
    asked.process = peer_.process;
    front_->handler(asked, Responder(self()));
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

    const std::string address = peer_address(request);  // before the front is left, whose proxies it asks for
    // From here on the connection belongs to the driver, and the session ends with its last handler.
    WebFrontState& front = *std::exchange(front_, nullptr);
    front.forget(*this);
    auto link = std::make_unique<WsLink<Stream>>(std::move(stream_), options, address, front.driver, front.log, count_);
    WsLink<Stream>& adopted = *link;
    if (front.driver.adopt(std::move(link), broker::Peer{front.options.index, address, peer_.user}))
        adopted.accept(request, subprotocol);
}

/// The peer's address for logs: the client that a trusted proxy names, otherwise the address of the socket's peer.
template <class Stream>
std::string HttpSession<Stream>::peer_address(const Request& request) const {
    const auto& options = front_->options.websocket;
    const auto address = address_.ip();
    // Anybody can send X-Forwarded-For; the field counts only if a trusted proxy has sent it.
    if (!options || !address || !is_in(options->trusted_proxies, *address)) return to_text(address_);
    const auto client = forwarded_client(combined(request, "X-Forwarded-For"), options->trusted_proxies);
    return client ? ip_text(*client) : to_text(address_);
}

}  // namespace ledge::transport
