// Channel: the connection to an upstream, registered with the loop's poller: TCP or TLS, and WebSocket above it if a
// WsClient is given. Readiness is only noted while the poller runs; the owner (Uplink until the channel is open, then
// Pump) reads and writes afterwards, in its turn. On the loop's thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "ledge/base/bytes.hpp"
#include "ledge/net/client_stream.hpp"
#include "ledge/net/poller.hpp"
#include "ledge/uplink/ws_client.hpp"

namespace ledge::uplink {

class Channel final : private net::Pollable {
public:
    /// `stream` is open. `web` = nullptr: MQTT without WebSocket. The poller must outlive the channel.
    Channel(net::Poller& poller, std::unique_ptr<net::ClientStream> stream, std::unique_ptr<WsClient> web = nullptr);
    /// Closes the stream. With WebSocket, a close frame is sent before if the socket accepts it at once. Must not be
    /// called while the poller runs.
    ~Channel();
    Channel(const Channel&) = delete;
    Channel& operator=(const Channel&) = delete;

    /// Registers the stream with the poller. Call this once, before everything else. Returns false when the system
    /// refuses; errno says why.
    bool start();

    /// True while the WebSocket request is not answered. Then the owner calls go_on() instead of read() and write().
    bool is_opening() const;
    /// True when messages are compressed (WsClient::is_compressed).
    bool is_compressed() const { return web_ != nullptr && web_->is_compressed(); }
    /// Goes on with the WebSocket request as far as the socket allows. Afterwards the request is under way, or the
    /// channel is open, or it has ended. Requires is_opening() && !is_ended().
    void go_on();
    /// After an end during the WebSocket request: what the answer says about the next attempt.
    bridge::RetryClass retry_class() const;

    /// Reads at most `into.size()` bytes; `into` must not be empty. Returns 0 when nothing has come, or when the
    /// connection has ended (then is_ended() is true). Requires !is_ended().
    std::size_t read(std::span<Byte> into);
    /// Writes bytes from the front of `bytes`, which must not be empty. Returns their number; 0 = not now, or never
    /// again (then is_broken() is true). After 0, call again with data that begin with the same bytes.
    std::size_t write(Bytes bytes);

    /// Ends this side's direction: the peer sees the end after all written bytes. What the peer sends can still be
    /// read, and is only good to be dropped: with WebSocket, read() then returns the bytes of the stream. Call this at
    /// most once. may_write() is false afterwards.
    void finish();

    /// True when read() may return bytes now.
    bool may_read() const;
    /// True when write() may accept bytes now.
    bool may_write() const { return !is_ended_ && !is_broken_ && !is_finished_ && write_needs_ == 0; }
    /// Tells what the owner waits for, so that the poller reports only that.
    void watch(bool wants_read, bool wants_write);

    /// True when the connection is of no more use, and read() has returned all bytes of the peer.
    bool is_ended() const { return is_ended_; }
    /// True when the connection cannot be written any more. Bytes of the peer may still be unread. While the owner does
    /// not read, the poller reports a broken connection again and again; the owner then closes the channel.
    bool is_broken() const { return is_broken_; }
    /// True when the peer has ended the connection: FIN, RST (seen without TLS only), or TLS's close_notify.
    bool is_ended_by_peer() const { return is_ended_by_peer_; }
    /// Why the connection has ended or is broken, in words.
    const std::string& reason() const { return reason_; }

private:
    void on_ready(std::uint32_t events) override;
    std::size_t read_stream(std::span<Byte> into);
    std::size_t write_stream(Bytes bytes);
    std::size_t read_web(std::span<Byte> into);
    std::size_t write_web(Bytes bytes);
    void exchange_web();
    void flush_web();
    void fail();
    void end();

    net::Poller& poller_;
    std::unique_ptr<net::ClientStream> stream_;
    std::unique_ptr<WsClient> web_;  // nullptr = no WebSocket
    std::size_t web_accepted_ =
        0;  // bytes that web_ has accepted from write(), and that are not yet reported as written
    // What must be reported before the next call makes sense: EPOLLIN or EPOLLOUT; 0 = a call makes sense now. TLS may
    // have to write before it can read, and the other way round.
    std::uint32_t read_needs_;
    std::uint32_t write_needs_ = 0;
    std::uint32_t watched_ = 0;  // what the poller reports
    bool is_registered_ = false;
    bool is_finished_ = false;
    bool is_broken_ = false;
    bool is_ended_ = false;
    bool is_ended_by_peer_ = false;
    std::string reason_;
};

}  // namespace ledge::uplink
