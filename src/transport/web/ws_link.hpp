// WsLink: the link of an MQTT peer over WebSocket. Each MQTT packet leaves in a message of its own, because some
// clients read only the first packet of a message. All messages of a turn leave in one write. Received bytes are passed
// on without regard to frames and messages. The driver owns the link. On the loop's thread. Only web_front.cpp includes
// this file, since Beast takes half a minute to compile.
//
//     open ──connection closes──► finishing (our close frame) ──peer's close frame──► ending (FIN, drain) ──► lost
//       └─────the peer's close frame, or its mistake, which Beast answers────────────►┘
#pragma once

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/websocket.hpp>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/session/outbox.hpp"
#include "ledge/transport/driver.hpp"
#include "ledge/transport/link.hpp"
#include "ledge/transport/web.hpp"
#include "request_body.hpp"
#include "streams.hpp"

namespace ledge::transport {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = boost::beast::websocket;

/// The number of peers that Asio serves for a front. Shared, because sessions may outlive the front.
using PeerCount = std::shared_ptr<std::size_t>;

template <class Stream>
class WsLink final : public Link {
public:
    using Error = boost::system::error_code;
    using Request = boost::beast::http::request<RequestBody>;

    // The bytes of one write that are copied out of the outbox, frame headers included. Asio passes 64 KiB to the
    // system at once.
    static constexpr std::size_t write_bytes_max = 64 * 1024 - 16;
    static constexpr std::size_t small_bytes = 512;        // the read buffer of an idle connection
    static constexpr std::size_t large_bytes = 16 * 1024;  // the read buffer while a long frame is being received
    static_assert(small_bytes < large_bytes && write_bytes_max <= 0xFFFF, "append_packets() writes 16-bit lengths");

    WsLink(Stream stream, const WebSocketOptions& options, std::string address, Driver& driver, const Log& log,
           PeerCount count)
        : wire_(std::make_shared<Wire>(std::move(stream), options, std::move(address), driver, log, std::move(count))) {
        wire_->link = this;
    }
    ~WsLink() override { close(); }
    LinkFacts facts() const override {
        if constexpr (std::is_same_v<Stream, PlainStream>) {
            return {"ws", {}, {}};
        } else {
            if (!wire_->ws) return {"wss", {}, {}};
            return {"wss", wire_->stream().session().version(), wire_->stream().session().cipher()};
        }
    }

    /// Answers the upgrade and begins to read. Call this once, after the driver has adopted the link.
    void accept(const Request& request, std::string_view subprotocol) { wire_->accept(request, subprotocol); }

private:
    /// The part of the link that Asio's handlers use and share. It outlives the link until the last handler has run.
    struct Wire : std::enable_shared_from_this<Wire> {
        Wire(Stream stream, const WebSocketOptions& options, std::string peer, Driver& driver_, const Log& log_,
             PeerCount count_)
            : ws(std::in_place, std::move(stream)),
              driver(driver_),
              log(log_),
              address(std::move(peer)),
              count(std::move(count_)) {
            ++*count;
            configure(options);
        }
        ~Wire() { --*count; }
        Wire(const Wire&) = delete;
        Wire& operator=(const Wire&) = delete;

        void configure(const WebSocketOptions& options);
        void accept(const Request& request, std::string_view subprotocol);
        void read();
        void set_reading(bool is_wanted);
        void watch_silence(bool is_wanted);
        void on_read(const Error& error, std::size_t bytes);
        void choose_buffer();
        void on_end(const Error& error);
        void refuse_text();
        Wrote write(session::Outbox& outbox);
        bool write_whole(session::Outbox& outbox);
        std::size_t copy_packet(session::Outbox& outbox, std::size_t at, std::size_t bytes_max);
        std::size_t append_packets(session::Outbox& outbox, std::size_t at, std::size_t end);
        void on_written(const Error& error);
        void finish(websocket::close_code code);
        void end();
        void log_end(std::string_view reason);
        Stream& stream() { return ws->next_layer().stream(); }

        std::optional<websocket::stream<Layer<Stream>>> ws;  // empty = closed, and its last handlers have run
        WsLink* link = nullptr;                              // nullptr = closed; the handlers do nothing then
        Driver& driver;
        const Log& log;
        std::string address;
        PeerCount count;
        std::unique_ptr<Byte[]> large;     // the read buffer instead of `small`; nullptr = not needed
        std::unique_ptr<Byte[]> outgoing;  // the frames that are being sent
        Blob payload;                      // the payload that is being sent, if it is not copied to `outgoing`
        std::size_t packet_rest = 0;       // the unsent bytes of a packet whose first fragments are sent
        Duration ping_interval{};
        bool is_paused = false;      // the driver has stopped the reading
        bool is_read_due = false;    // a read has ended during the pause, so the next one begins after it
        bool is_writing = false;     // a write is under way
        bool is_compressed = false;  // permessage-deflate is in use
        bool is_finishing = false;   // our close frame is sent or being sent
        bool is_ending = false;      // our FIN is sent or being sent
        std::array<Byte, small_bytes> small;
    };

    Wrote write(session::Outbox& outbox) override { return wire_->write(outbox); }
    void set_reading(bool is_wanted) override { wire_->set_reading(is_wanted); }
    void ask_writable() override {
        asio::post(wire_->ws->get_executor(), [wire = wire_] {
            if (wire->link != nullptr) wire->driver.writable_soon(*wire->link);
        });
    }
    void finish() override { wire_->finish(websocket::close_code::normal); }
    void close() noexcept override {
        const std::shared_ptr<Wire> wire = std::exchange(wire_, nullptr);
        if (wire == nullptr) return;
        wire->link = nullptr;
        wire->stream().close();
        // Inside the stream, Beast stores an operation that waits for another one, and this operation shares the
        // ownership of the stream. Such a cycle would never end, so the stream is destroyed explicitly. The handlers
        // that stream().close() has cancelled run before this posted call.
        asio::post(wire->ws->get_executor(), [wire] { wire->ws.reset(); });
    }

    std::shared_ptr<Wire> wire_;  // nullptr = closed
};

// ---------------------------------------------------------------------------------------------------------------------

template <class Stream>
void WsLink<Stream>::Wire::configure(const WebSocketOptions& options) {
    ws->auto_fragment(false);  // write() itself decides about frames
    ws->binary(true);          // [MQTT-6.0.0-1]
    ws->read_message_max(static_cast<std::size_t>(options.message_bytes_max));
    ping_interval = options.ping_interval;
    watch_silence(true);
    if (options.compression) {
        websocket::permessage_deflate deflate;
        deflate.server_enable = true;
        deflate.server_max_window_bits = 12;  // with memLevel 5, compression needs 32 KiB instead of 256
        deflate.memLevel = 5;
        // Bytes; a shorter packet would hardly become smaller.
        deflate.msg_size_threshold = 64;
        ws->set_option(deflate);
    }
}

template <class Stream>
void WsLink<Stream>::Wire::accept(const Request& request, std::string_view subprotocol) {
    ws->set_option(websocket::stream_base::decorator([this, subprotocol](websocket::response_type& response) {
        is_compressed = response.count(beast::http::field::sec_websocket_extensions) > 0;
        response.set(beast::http::field::server, "LedgeMQ");
        response.set(beast::http::field::sec_websocket_protocol, subprotocol);
    }));
    ws->async_accept(request, [self = this->shared_from_this()](const Error& error) {
        if (self->link == nullptr) return;
        // The answer to the upgrade is sent or has failed, so the decorator is no longer needed.
        self->ws->set_option(websocket::stream_base::decorator([](websocket::response_type&) {}));
        if (error) return self->on_end(error);
        self->read();
    });
}

template <class Stream>
void WsLink<Stream>::Wire::read() {
    const asio::mutable_buffer into =
        large ? asio::buffer(large.get(), large_bytes) : asio::buffer(small.data(), small.size());
    ws->async_read_some(into, [self = this->shared_from_this()](const Error& error, std::size_t bytes) {
        self->on_read(error, bytes);
    });
}

template <class Stream>
void WsLink<Stream>::Wire::on_read(const Error& error, std::size_t bytes) {
    if (link == nullptr) return;
    if (error) return on_end(error);
    if (ws->got_text()) {
        refuse_text();
    } else {
        driver.received(*link, std::span(large ? large.get() : small.data(), bytes));
    }
    if (link == nullptr) return;  // the received bytes have made the shard close the connection
    choose_buffer();
    if (is_paused)
        is_read_due = true;
    else
        read();
}

template <class Stream>
void WsLink<Stream>::Wire::set_reading(bool is_wanted) {
    // A read that is under way cannot be stopped; on_read() sees the pause.
    is_paused = !is_wanted;
    watch_silence(is_wanted);
    if (is_wanted && std::exchange(is_read_due, false)) read();
}

/// Begins or ends the timeout for a silent peer. While the reading is paused, the peer's silence cannot be noticed.
template <class Stream>
void WsLink<Stream>::Wire::watch_silence(bool is_wanted) {
    // 0 = no pings and no timeout.
    if (ping_interval == Duration::zero()) return;
    websocket::stream_base::timeout timeout{};
    timeout.handshake_timeout = websocket::stream_base::none();
    timeout.idle_timeout = websocket::stream_base::none();
    if (is_wanted) timeout.idle_timeout = ping_interval * 2;  // Beast sends a ping after half of this time
    timeout.keep_alive_pings = true;
    ws->set_option(timeout);
}

/// Chooses the read buffer. Most connections are idle and need a small buffer. A long frame gets a large buffer until
/// its message has ended.
template <class Stream>
void WsLink<Stream>::Wire::choose_buffer() {
    if (ws->is_message_done()) {
        large.reset();
    } else if (!large && ws->read_size_hint(small_bytes) > small_bytes) {
        large = std::make_unique_for_overwrite<Byte[]>(large_bytes);
    }
}

/// The error categories of the peer's mistakes, which Beast has answered with a close frame.
inline const boost::system::error_category& closed_category() {
    return websocket::make_error_code(websocket::error::closed).category();
}
inline const boost::system::error_category& zlib_category() {
    return beast::zlib::make_error_code(beast::zlib::error::general).category();
}

template <class Stream>
void WsLink<Stream>::Wire::on_end(const Error& error) {
    if (is_finishing) return;  // the handler of async_close() continues the end
    const bool is_of_peer = error.category() == closed_category() || error.category() == zlib_category();
    // The shard logs a connection that breaks, so this function logs only mistakes and timeouts of WebSocket.
    const bool is_worth_logging = is_of_peer ? error != websocket::error::closed : error == beast::error::timeout;
    if (is_worth_logging) log_end(error.message());
    if (!is_of_peer) return driver.lost(*link);
    driver.ended(*link);
    if (link != nullptr) end();
}

/// [MQTT-6.0.0-1]: a frame that is not binary closes the connection. The close code is 1003 (RFC 6455 section 7.4.1).
template <class Stream>
void WsLink<Stream>::Wire::refuse_text() {
    if (is_finishing) return;
    log_end("a text frame");
    driver.ended(*link);
    if (link != nullptr) finish(websocket::close_code::unknown_data);
}

/// The size of the packet at the front of the outbox, from its fixed header. The outbox holds complete packets.
inline std::size_t packet_size(const session::Outbox& outbox) {
    std::array<Bytes, 1> front;
    outbox.gather(front);
    if (front[0].size() >= 2 && front[0][1] < 0x80) return std::size_t{2} + front[0][1];  // nearly always
    constexpr std::size_t header_bytes_max = 5;
    std::array<Bytes, header_bytes_max> parts;  // each part has at least one byte, so these parts contain the header
    const std::size_t count = outbox.gather(parts);
    std::size_t seen = 0;
    std::size_t rest = 0;
    for (std::size_t i = 0; i < count; ++i) {
        for (const Byte byte : parts[i]) {
            if (seen > 0) rest |= std::size_t{byte & 0x7FU} << 7U * (seen - 1);
            ++seen;
            if (seen > 1 && ((byte & 0x80U) == 0 || seen == header_bytes_max)) return seen + rest;
        }
    }
    LEDGE_ASSERT(false);  // the core appends complete packets only
    return seen;
}

template <class Stream>
Link::Wrote WsLink<Stream>::Wire::write(session::Outbox& outbox) {
    if (is_writing) return Wrote::part;  // on_written() calls Driver::writable_soon()
    if (outbox.empty()) return Wrote::all;
    if (write_whole(outbox)) return Wrote::part;
    // A frame header is never larger than its packet: the shortest packets have two bytes, as the shortest headers. So
    // twice the outbox is room enough for all frames.
    const std::size_t room = std::min(outbox.size() * 2, write_bytes_max);
    outgoing = std::make_unique_for_overwrite<Byte[]>(room);
    const std::size_t first = copy_packet(outbox, 0, room);
    const bool is_whole = packet_rest == 0;
    const std::size_t end = is_whole && !is_compressed ? append_packets(outbox, first, room) : first;
    if (end > first)
        ws->next_layer().append_to_next(outgoing.get() + first, asio::buffer(outgoing.get() + first, end - first));
    is_writing = true;
    ws->async_write_some(
        is_whole, asio::buffer(outgoing.get(), first),
        [self = this->shared_from_this()](const Error& error, std::size_t) { self->on_written(error); });
    return Wrote::part;
}

/// Sends the next packet as one frame, without a copy of its payload, if the packet is too large for a copy and the
/// outbox refers to its payload. One frame, because some clients do not support fragments (Paho C 1.3.12). Returns
/// false when the next packet is of another kind.
template <class Stream>
bool WsLink<Stream>::Wire::write_whole(session::Outbox& outbox) {
    if (is_compressed || packet_rest != 0) return false;
    const std::size_t size = packet_size(outbox);
    if (size <= write_bytes_max) return false;
    const auto large_part = outbox.first_payload();
    if (!large_part || large_part->offset + large_part->bytes.size() != size) return false;
    std::array<Bytes, 1> front;
    outbox.gather(front);
    const Bytes head = front[0].first(large_part->offset);
    outgoing = std::make_unique_for_overwrite<Byte[]>(head.size());
    std::copy(head.begin(), head.end(), outgoing.get());
    payload = large_part->blob;
    const std::array<asio::const_buffer, 2> buffers = {
        asio::buffer(outgoing.get(), head.size()), asio::buffer(large_part->bytes.data(), large_part->bytes.size())};
    outbox.consume(size);
    is_writing = true;
    ws->async_write_some(
        true, buffers, [self = this->shared_from_this()](const Error& error, std::size_t) { self->on_written(error); });
    return true;
}

/// Moves the next packet from the outbox to outgoing[at], at most `bytes_max` bytes of it. packet_rest then has the
/// number of the packet's remaining bytes. Returns the index behind the copied bytes.
template <class Stream>
std::size_t WsLink<Stream>::Wire::copy_packet(session::Outbox& outbox, std::size_t at, std::size_t bytes_max) {
    LEDGE_ASSERT(!outbox.empty() && bytes_max > 0);
    if (packet_rest == 0) packet_rest = packet_size(outbox);
    const std::size_t end = at + std::min(packet_rest, bytes_max);
    packet_rest -= end - at;
    while (at < end) {
        std::array<Bytes, 1> front;
        outbox.gather(front);
        const Bytes part = front[0].first(std::min(front[0].size(), end - at));
        std::copy(part.begin(), part.end(), outgoing.get() + at);
        outbox.consume(part.size());
        at += part.size();
    }
    return end;
}

/// Copies further complete packets as long as there is room before outgoing[end], each behind a frame header of its
/// own. Returns the index behind the last one.
///   frame := 0x82 (length:u8 | 0x7E length:u16) packet        (RFC 6455 section 5.2: final, binary, not masked)
template <class Stream>
std::size_t WsLink<Stream>::Wire::append_packets(session::Outbox& outbox, std::size_t at, std::size_t end) {
    constexpr std::size_t short_max = 125;
    while (!outbox.empty()) {
        const std::size_t size = packet_size(outbox);
        const std::size_t header = size <= short_max ? 2 : 4;
        if (header + size > end - at) break;
        outgoing[at] = 0x82;
        outgoing[at + 1] = static_cast<Byte>(header == 2 ? size : 0x7E);
        if (header == 4) {
            outgoing[at + 2] = static_cast<Byte>(size >> 8U);
            outgoing[at + 3] = static_cast<Byte>(size);
        }
        at = copy_packet(outbox, at + header, size);
    }
    LEDGE_ASSERT(at <= end);
    return at;
}

template <class Stream>
void WsLink<Stream>::Wire::on_written(const Error& error) {
    is_writing = false;
    outgoing.reset();
    payload = {};
    if (link != nullptr && !error) driver.writable_soon(*link);  // an error also ends the read, which closes the link
}

template <class Stream>
void WsLink<Stream>::Wire::finish(websocket::close_code code) {
    if (std::exchange(is_finishing, true)) return;
    ws->async_close(code, [self = this->shared_from_this()](const Error&) {
        if (self->link != nullptr) self->end();
    });
}

template <class Stream>
void WsLink<Stream>::Wire::end() {
    if (std::exchange(is_ending, true)) return;
    stream().async_shutdown([self = this->shared_from_this()](const Error&) {
        if (self->link != nullptr) self->driver.lost(*self->link);
    });
}

template <class Stream>
void WsLink<Stream>::Wire::log_end(std::string_view reason) {
    log.info("websocket_ended", {{"address", address}, {"reason", reason}});
}

}  // namespace ledge::transport
