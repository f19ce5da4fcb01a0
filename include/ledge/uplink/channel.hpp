// Channel: the open connection to an upstream, registered with the loop's poller. Readiness is only noted while the
// poller runs; the owner (Pump) reads and writes afterwards, in its turn. On the loop's thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "ledge/base/bytes.hpp"
#include "ledge/net/client_stream.hpp"
#include "ledge/net/poller.hpp"

namespace ledge::uplink {

class Channel final : private net::Pollable {
public:
    /// `stream` is open. The poller must outlive the channel.
    Channel(net::Poller& poller, std::unique_ptr<net::ClientStream> stream);
    /// Closes the stream. Must not be called while the poller runs.
    ~Channel();
    Channel(const Channel&) = delete;
    Channel& operator=(const Channel&) = delete;

    /// Registers the stream with the poller. Call this once, before everything else. Returns false when the system
    /// refuses; errno says why.
    bool start();

    /// Reads at most `into.size()` bytes; `into` must not be empty. Returns 0 when nothing has come, or when the
    /// connection has ended (then is_ended() is true). Requires !is_ended().
    std::size_t read(std::span<Byte> into);
    /// Writes bytes from the front of `bytes`, which must not be empty. Returns their number; 0 = not now, or never
    /// again (then is_broken() is true). After 0, call again with data that begin with the same bytes.
    std::size_t write(Bytes bytes);

    /// Ends this side's direction: the peer sees the end after all written bytes. What the peer sends can still be
    /// read. Call this at most once. may_write() is false afterwards.
    void finish();

    /// True when read() may return bytes now.
    bool may_read() const { return !is_ended_ && read_needs_ == 0; }
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
    void fail();
    void end();

    net::Poller& poller_;
    std::unique_ptr<net::ClientStream> stream_;
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
