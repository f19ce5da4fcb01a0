// WsClient: MQTT over WebSocket (RFC 6455, MQTT 5 section 6), the client's side of one connection, without I/O. Bytes
// of the server's stream go in; bytes for the stream and MQTT bytes come out. Channel owns the client and the stream.
// On the loop's thread.
//
//     MQTT bytes ── write() ──► frame ──► output(), sent() ──► stream
//     MQTT bytes ◄── read() ◄── frame ◄── room(), received() ◄── stream
//
//     opening ──101 with the subprotocol mqtt──► open ──close() or close frame or a mistake of the server──► ended
//        └────────────any other answer────────────────────────────────────────────────────────────────────────►┘
//
// MQTT is a stream of bytes here: packets and frames have nothing to do with each other [MQTT-6.0.0-2]. Pings and close
// frames are answered by themselves. A connection takes less than 100 KiB.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "ledge/base/bytes.hpp"
#include "ledge/bridge/backoff.hpp"
#include "ledge/uplink/options.hpp"

namespace boost::asio {
class io_context;
}

namespace ledge::uplink {

class WsClient {
public:
    enum class State : std::uint8_t {
        opening,  // the request is made, and the server's answer is not complete
        open,     // MQTT bytes can pass
        ended,    // no further byte can be written; reason() says why
    };

    static constexpr std::size_t frame_bytes_max = 16 * 1024;  // of MQTT in one sent frame
    static constexpr std::size_t answer_bytes_max = 8 * 1024;  // of the head of the answer to the request

    /// Makes the request, which output() then has. Requires server.websocket_path. `timers` is a loop that must outlive
    /// the client; nothing is ever run there.
    WsClient(const Server& server, boost::asio::io_context& timers);
    ~WsClient();
    WsClient(const WsClient&) = delete;
    WsClient& operator=(const WsClient&) = delete;

    // ---- The side of the stream

    /// The place for the next bytes of the stream. Empty = read no further bytes now: earlier ones wait until read()
    /// or sent() has made room, or the client has ended. Valid until the next call.
    std::span<Byte> room();
    /// The stream has put `count` bytes into room(). Requires 0 < count <= room().size().
    void received(std::size_t count);
    /// Bytes for the stream, also after the end: the last ones are a close frame. Valid until the next call.
    Bytes output() const;
    /// The first `count` bytes of output() are sent.
    void sent(std::size_t count);

    // ---- The side of MQTT

    /// Moves received MQTT bytes to `into` and returns their number. 0 = there are none.
    std::size_t read(std::span<Byte> into);
    /// True when read() would return bytes.
    bool has_unread() const;
    /// Makes one frame of bytes from the front of `bytes`, at most frame_bytes_max, and returns their number. 0 = not
    /// now: earlier output must be sent first, or the state is not open. Requires that `bytes` is not empty.
    std::size_t write(Bytes bytes);
    /// True while a part of the accepted bytes, or of another frame, is not yet sent.
    bool has_unsent() const;
    /// Ends the connection: output() gets a close frame. Has no effect unless the state is open.
    void close();

    State state() const;
    /// Why the client has ended: a sentence part for the operator.
    const std::string& reason() const;
    /// True when the server has agreed to compress messages, which was offered (Server::expanded_bytes_max).
    bool is_compressed() const;
    /// True when the server has ended the connection by a close frame.
    bool is_ended_by_peer() const;
    /// After an end in State::opening: what the server's answer says about the next attempt.
    bridge::RetryClass retry_class() const;

private:
    struct Wire;
    std::unique_ptr<Wire> wire_;
};

}  // namespace ledge::uplink
