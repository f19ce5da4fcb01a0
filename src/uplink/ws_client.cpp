// WebSocket towards the upstream, by Beast. This is the only file of the module that compiles Beast: half a minute.
#include "ledge/uplink/ws_client.hpp"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/websocket.hpp>
#include <string_view>
#include <utility>
#include <vector>

#include "ledge/base/assert.hpp"
#include "ledge/base/quote.hpp"
#include "ledge/bridge/upstream_profile.hpp"
#include "ws_deflate.hpp"
#include "ws_pipe.hpp"

namespace ledge::uplink {

namespace asio = boost::asio;
namespace http = boost::beast::http;
namespace websocket = boost::beast::websocket;
using bridge::RetryClass;
using Error = boost::system::error_code;

namespace {

constexpr std::string_view subprotocol = "mqtt";  // [MQTT-6.0.0-3], also for MQTT 3.1.1
constexpr std::size_t input_bytes_max = 16 * 1024;
constexpr std::size_t plain_bytes_max = 16 * 1024;
constexpr std::size_t shown_bytes_max = 200;  // of a text of the server in a reason
constexpr std::size_t first_bytes_max = 16;   // shown of an answer that is no HTTP
static_assert(WsClient::answer_bytes_max <= input_bytes_max);

/// The Host field: "name", "192.0.2.7:8000", "[::1]:8000". The default port is left out (RFC 6455 section 4.1).
std::string host_field(const Server& server) {
    const bool is_ipv6 = server.host.find(':') != std::string::npos;
    std::string text = is_ipv6 ? "[" + server.host + "]" : server.host;
    if (server.port != (server.is_tls ? 443 : 80)) text += ":" + std::to_string(server.port);
    return text;
}

/// A text of the server for a log line: quoted, shortened, and with visible characters only.
std::string shown(std::string_view text) {
    std::string visible(text.substr(0, shown_bytes_max));
    std::replace_if(
        visible.begin(), visible.end(), [](char c) { return c < ' ' || c >= 0x7F; }, '?');
    return quoted(visible);
}

/// " (...)" with the protocol that the server seems to speak; "" = unknown.
std::string hint(std::string_view first_bytes) {
    const std::string_view text = bridge::hint_of_first_bytes(first_bytes);
    return text.empty() ? std::string() : " (" + std::string(text) + ")";
}

/// True when the same request may succeed without a change by the operator. The other answers say that the url or the
/// server's configuration is wrong.
bool may_pass_by_itself(unsigned status) { return status >= 500 || status == 408 || status == 425 || status == 429; }

/// What the operator should check after an answer without the upgrade; "" = the status alone says enough.
std::string advice(unsigned status, std::string_view location) {
    if (status >= 300 && status < 400 && !location.empty())
        return "; the server redirects to " + shown(location) + ", and the bridge does not follow: correct the url";
    if (status == 401 || status == 403 || status == 407)
        return "; a login by HTTP, or a certificate, is asked for before MQTT begins";
    if (may_pass_by_itself(status)) return "";
    if (status == 400) return "; check the path, and whether the port needs wss:// instead of ws://";
    return "; check the path of the url: /mqtt for most brokers, /ws for RabbitMQ";
}

}  // namespace

/// Everything with Beast's types. The handlers hold a plain `this`, because the queue that runs them is a member.
struct WsClient::Wire {
    Wire(const Server& server, asio::io_context& timers);

    void received(std::size_t count);
    void check_answer();
    void refuse(const http::response_header<>& answer);
    void allow_compression(std::uint64_t expanded_bytes_max);
    void accept(const http::response_header<>& head);
    void on_upgraded(const Error& error);
    void read_on();
    void on_read(const Error& error, std::size_t count);
    void refuse_text(std::string_view text);
    std::size_t read(std::span<Byte> into);
    std::size_t write(Bytes bytes);
    void close();
    void end(std::string why, RetryClass next = RetryClass::network);

    State state = State::opening;
    std::string reason;
    bool is_ended_by_peer = false;
    RetryClass retry_class = RetryClass::network;

    std::string path;
    std::vector<Byte> input;      // bytes of the stream; `pipe` refers to those that Beast has not read
    std::size_t answer_size = 0;  // bytes of `input` while the state is opening
    // MQTT bytes: those from plain_begin to plain_end wait for read(). Beast may be writing behind plain_end.
    std::vector<Byte> plain;
    std::size_t plain_begin = 0;
    std::size_t plain_end = 0;
    bool is_reading = false;    // Beast is reading
    std::vector<Byte> payload;  // of the frame that is being written
    bool is_writing = false;    // Beast has not yet written the frame into the pipe
    websocket::response_type answer;
    std::string accepted;  // the head of the answer as Beast gets it

    StepQueue queue;
    WsPipe pipe;
    websocket::stream<WsLayer, true> ws;  // true = with compression
    bool is_offered = false;              // compression
    bool is_compressed = false;           // the server has agreed
};

WsClient::Wire::Wire(const Server& server, asio::io_context& timers)
    : path(server.websocket_path),
      input(input_bytes_max),
      plain(plain_bytes_max),
      queue(timers),
      pipe(queue),
      ws(pipe) {
    LEDGE_ASSERT(path.starts_with('/') && !server.host.empty());
    ws.binary(true);                         // [MQTT-6.0.0-1]
    ws.auto_fragment(false);                 // write() decides about frames
    ws.write_buffer_bytes(frame_bytes_max);  // Beast masks a copy of the payload; one copy per frame
    ws.read_message_max(0);                  // a message is never held as a whole, so it may have any size
    if (server.expanded_bytes_max > 0) allow_compression(server.expanded_bytes_max);
    // For the masks. Beast 1.81's better generator, ChaCha20, gives each block of 16 numbers out 15 times, because its
    // counter is divided by 16; masks that repeat can be predicted by whoever sees them (RFC 6455 section 10.3).
    ws.secure_prng(false);
    ws.set_option(websocket::stream_base::decorator([this](websocket::request_type& request) {
        request.set(http::field::user_agent, "LedgeMQ");
        // Mosquitto answers nothing at all without this field.
        request.set(http::field::sec_websocket_protocol, subprotocol);
        // Instead of Beast's own offer, which also limits the server's window: not every server can do that.
        if (is_offered) request.set(http::field::sec_websocket_extensions, deflate_offer());
    }));
    ws.async_handshake(answer, host_field(server), path, [this](const Error& error) { on_upgraded(error); });
    queue.run();
    LEDGE_ASSERT(!pipe.output().empty());
}

/// A limit of the size protects against few bytes that expand to very many.
void WsClient::Wire::allow_compression(std::uint64_t expanded_bytes_max) {
    is_offered = true;
    ws.read_message_max(expanded_bytes_max);
    websocket::permessage_deflate deflate;
    deflate.client_enable = true;
    deflate.memLevel = memory_level;
    deflate.msg_size_threshold = smallest_bytes;
    ws.set_option(deflate);
    // CONNECT has the password. Compressed together with topics that others choose, its length could tell the password
    // to whoever sees the encrypted bytes. CONNECT may take several messages; on_read() notices its answer.
    ws.compress(false);
}

// ---------------------------------------------------------------------------------------------------------------------
// The answer to the request

void WsClient::Wire::received(std::size_t count) {
    if (state == State::opening) {
        answer_size += count;
        LEDGE_ASSERT(answer_size <= answer_bytes_max);
        return check_answer();
    }
    pipe.give(Bytes(input).first(count));
    queue.run();
}

/// Reads the head of the answer as far as it has come. Beast gets it only if it is complete and has status 101: Beast
/// would wait for the body of any other answer and tell no status.
void WsClient::Wire::check_answer() {
    const Bytes all = Bytes(input).first(answer_size);
    constexpr std::string_view begin = "HTTP/";
    const std::string_view first = as_text(all.first(std::min(answer_size, begin.size())));
    if (!begin.starts_with(first)) {
        const std::string_view text = as_text(all);
        return end("the server does not answer in HTTP: " + shown(text.substr(0, first_bytes_max)) + hint(text) +
                       "; check host, port and ws:// or wss://",
                   RetryClass::operator_needed);
    }
    http::response_parser<http::empty_body> parser;
    parser.body_limit(boost::none);  // the body is not read
    Error error;
    const std::size_t head_size = parser.put(asio::buffer(all.data(), all.size()), error);
    if (error == http::error::need_more && answer_size < answer_bytes_max) return;
    if (error == http::error::need_more)
        return end("the head of the server's HTTP answer is too long", RetryClass::operator_needed);
    if (error) return end("the server's HTTP answer is malformed: " + error.message(), RetryClass::operator_needed);
    LEDGE_ASSERT(parser.is_header_done() && head_size <= answer_size);
    if (parser.get().result() != http::status::switching_protocols) return refuse(parser.get());
    accept(parser.get());
    // What follows the head is MQTT in frames. Beast gets it after its handshake, which has no room for it.
    if (state != State::open || head_size == answer_size) return;
    pipe.give(all.subspan(head_size));
    queue.run();
}

/// Gives Beast the head of an answer with status 101. Beast does not compare the answer about compression with the
/// offer, so this is done here, and Beast gets what was agreed in words that bound its memory.
void WsClient::Wire::accept(const http::response_header<>& head) {
    std::string extensions;
    const unsigned version = head.version();
    std::string text =
        "HTTP/" + std::to_string(version / 10) + "." + std::to_string(version % 10) + " 101 Switching Protocols\r\n";
    for (const auto& field : head) {
        const std::string value(field.value());
        if (field.name() == http::field::sec_websocket_extensions)
            extensions += (extensions.empty() ? "" : ", ") + value;
        else
            text += std::string(field.name_string()) + ": " + value + "\r\n";
    }
    const auto agreement = read_deflate_answer(extensions, is_offered);
    if (!agreement) return end(agreement.error(), RetryClass::operator_needed);
    is_compressed = agreement->has_value();
    if (!is_compressed) ws.read_message_max(0);  // nothing expands
    if (is_compressed) text += "Sec-WebSocket-Extensions: " + to_text(**agreement) + "\r\n";
    accepted = text + "\r\n";
    pipe.give(as_bytes(accepted));
    queue.run();
}

void WsClient::Wire::refuse(const http::response_header<>& head) {
    const unsigned status = head.result_int();
    std::string text = "the server has no WebSocket at the path " + path + ": HTTP " + std::to_string(status);
    const auto phrase = http::obsolete_reason(http::int_to_status(status));
    if (http::int_to_status(status) != http::status::unknown) text.append(" ").append(phrase.data(), phrase.size());
    const std::string_view location = head[http::field::location];
    end(text + advice(status, location),
        may_pass_by_itself(status) ? RetryClass::network : RetryClass::operator_needed);
}

void WsClient::Wire::on_upgraded(const Error& error) {
    if (error)
        return end("the server's answer to the WebSocket request is wrong: " + error.message() +
                       "; check the path, and the proxies between",
                   RetryClass::operator_needed);
    const std::string chosen(answer[http::field::sec_websocket_protocol]);
    answer = {};
    if (chosen != subprotocol)  // [MQTT-6.0.0-4]
        return end("the WebSocket at the path " + path + " does not speak MQTT: the subprotocol of its answer is " +
                       (chosen.empty() ? std::string("missing") : shown(chosen)) +
                       " instead of \"mqtt\"; check the path of the url",
                   RetryClass::operator_needed);
    state = State::open;
    read_on();
}

// ---------------------------------------------------------------------------------------------------------------------
// Frames

/// Lets Beast read on as long as there is room. Beast answers pings and close frames only while it reads.
void WsClient::Wire::read_on() {
    if (state != State::open || is_reading) return;
    if (plain_begin == plain_end) plain_begin = plain_end = 0;
    if (plain_end == plain.size()) return;
    is_reading = true;
    ws.async_read_some(asio::buffer(plain.data() + plain_end, plain.size() - plain_end),
                       [this](const Error& error, std::size_t count) { on_read(error, count); });
}

void WsClient::Wire::on_read(const Error& error, std::size_t count) {
    is_reading = false;
    if (state == State::ended) return;
    if (error == websocket::error::closed) {
        is_ended_by_peer = true;
        std::string why = "the server has closed the WebSocket";
        if (ws.reason().code != websocket::close_code::none) why += " with code " + std::to_string(ws.reason().code);
        const std::string_view text(ws.reason().reason.data(), ws.reason().reason.size());
        if (!text.empty()) why += ": " + shown(text);
        return end(std::move(why));
    }
    if (error) return end("the server violates the WebSocket protocol: " + error.message());
    LEDGE_ASSERT(plain_end + count <= plain.size());
    if (count > 0 && ws.got_text()) return refuse_text(as_text(Bytes(plain).subspan(plain_end, count)));
    plain_end += count;
    if (is_compressed && count > 0) ws.compress(true);  // the server has answered CONNECT
    read_on();                                          // some servers send one byte per frame
}

/// [MQTT-6.0.0-1]: a frame that is not binary closes the connection. The close code is 1003 (RFC 6455 section 7.4.1).
void WsClient::Wire::refuse_text(std::string_view text) {
    end("the server sends text frames, but MQTT needs binary ones" + hint(text));
    ws.async_close(websocket::close_code::unknown_data, [](const Error&) {});
}

std::size_t WsClient::Wire::read(std::span<Byte> into) {
    const std::size_t count = std::min(into.size(), plain_end - plain_begin);
    std::copy_n(plain.begin() + static_cast<std::ptrdiff_t>(plain_begin), count, into.begin());
    plain_begin += count;
    read_on();
    queue.run();
    return count;
}

std::size_t WsClient::Wire::write(Bytes bytes) {
    LEDGE_ASSERT(!bytes.empty());
    if (state != State::open || is_writing || pipe.is_full()) return 0;
    const Bytes front = bytes.first(std::min(bytes.size(), frame_bytes_max));
    payload.assign(front.begin(), front.end());
    is_writing = true;
    // Each frame is a message. A packet that is larger than one frame is continued in the next message.
    ws.async_write_some(true, asio::buffer(payload), [this](const Error& error, std::size_t) {
        is_writing = false;
        if (error && state != State::ended) end("the WebSocket is broken: " + error.message());
    });
    queue.run();
    return front.size();
}

void WsClient::Wire::close() {
    if (state != State::open) return;
    end("the bridge has closed the WebSocket");
    ws.async_close(websocket::close_code::normal, [](const Error&) {});
    queue.run();
}

void WsClient::Wire::end(std::string why, RetryClass next) {
    LEDGE_ASSERT(state != State::ended);
    state = State::ended;
    reason = std::move(why);
    retry_class = next;
}

// ---------------------------------------------------------------------------------------------------------------------

WsClient::WsClient(const Server& server, asio::io_context& timers) : wire_(std::make_unique<Wire>(server, timers)) {}
WsClient::~WsClient() = default;

std::span<Byte> WsClient::room() {
    switch (wire_->state) {
        case State::opening: return std::span(wire_->input).first(answer_bytes_max).subspan(wire_->answer_size);
        case State::open: return wire_->pipe.unread().empty() ? std::span(wire_->input) : std::span<Byte>();
        case State::ended: break;
    }
    return {};
}

void WsClient::received(std::size_t count) {
    LEDGE_ASSERT(count > 0 && count <= room().size());
    wire_->received(count);
}

Bytes WsClient::output() const { return wire_->pipe.output(); }

void WsClient::sent(std::size_t count) {
    wire_->pipe.sent(count);
    wire_->queue.run();
}

std::size_t WsClient::read(std::span<Byte> into) { return wire_->read(into); }
bool WsClient::has_unread() const { return wire_->plain_begin < wire_->plain_end; }
std::size_t WsClient::write(Bytes bytes) { return wire_->write(bytes); }
bool WsClient::has_unsent() const { return wire_->is_writing || !wire_->pipe.output().empty(); }
void WsClient::close() { wire_->close(); }
WsClient::State WsClient::state() const { return wire_->state; }
const std::string& WsClient::reason() const { return wire_->reason; }
bool WsClient::is_ended_by_peer() const { return wire_->is_ended_by_peer; }
bool WsClient::is_compressed() const { return wire_->is_compressed; }
RetryClass WsClient::retry_class() const { return wire_->retry_class; }

}  // namespace ledge::uplink
