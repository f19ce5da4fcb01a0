// Pump: moves bytes between a relay and its two transports, the channel to the upstream and the inner link to the local
// broker, and closes the transports when the relay asks for it or when they end. It knows nothing of servers and
// pauses. Owned by Uplink; on the loop's thread.
//
//     upstream ⇄ Channel ⇄ unread_ ⇄ Relay ⇄ InnerEnd ⇄ local broker
//
// Bytes that the relay does not read wait in `unread_` and in the inner end's queue. A transport whose bytes wait is
// not read, so the sender slows down (backpressure).
//
// The end towards the upstream lingers. A socket that is closed while bytes of the peer are unread or under way answers
// them by RST (RFC 1122 section 4.2.2.13), and RST may destroy our DISCONNECT before the upstream has read it; the
// upstream would then publish the will. So only our direction ends. What still comes is read and dropped until the
// upstream has ended the connection too, or until linger_time_max has passed. Without a DISCONNECT to protect (the
// upstream is silent, or the will shall be published) the socket is closed at once.
//
// A limited rate towards the upstream (UplinkOptions::rate_bytes_per_second) holds the local broker back, not the
// socket: every byte that is written takes a token, also those of acknowledgements and PINGREQ, which never wait here.
// While tokens are missing for the output that waits already, the inner end is not read, so further messages stay with
// the local broker.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ledge/base/bytes.hpp"
#include "ledge/base/time.hpp"
#include "ledge/base/token_bucket.hpp"
#include "ledge/bridge/relay.hpp"
#include "ledge/uplink/channel.hpp"

namespace ledge::transport {
class Driver;
class InnerEnd;
}  // namespace ledge::transport

namespace ledge::uplink {

/// Who the bridge is for the local broker.
struct InnerPeer {
    std::uint16_t listener = 0;  // index in ShardOptions::listeners
    std::string address;         // for logs
    std::string user;            // the name of the bridge as a user; not empty
};

class Pump {
public:
    static constexpr std::size_t read_bytes_max = 16 * 1024;  // of one read from the upstream; the size of `unread_`
    static constexpr int rounds_max = 8;                      // rounds of one turn; the rest waits for the next turn
    static constexpr std::size_t first_bytes_max = 8;
    static constexpr Duration linger_time_max = 2s;  // from our end until the upstream has ended its direction

    /// The relay and the driver must outlive the pump. `bytes_per_second` to the upstream; 0 = unlimited.
    Pump(bridge::Relay& relay, transport::Driver& driver, InnerPeer peer, std::uint64_t bytes_per_second = 0);
    ~Pump();
    Pump(const Pump&) = delete;
    Pump& operator=(const Pump&) = delete;

    /// Begins with an open connection to the upstream. Requires that the relay is closed, and that `channel` is started
    /// and open.
    void open(std::unique_ptr<Channel> channel, Instant now);
    /// Moves all bytes that can move. Must not be called from Driver::flush(), nor while the poller runs. Afterwards
    /// the owner takes the relay's events and asks whether the relay is closed.
    void turn(Instant now);
    /// True when turn() has something to do. The loop must not sleep then.
    bool wants_turn() const;
    /// When turn() must be called although nothing has come; `never` = nothing waits for a time.
    Instant next_deadline() const;
    /// True: messages of the local broker wait until the rate allows them.
    bool is_holding() const;
    /// Closes both transports at once. Afterwards the relay is closed. Requires that the relay is not closed.
    void abort(Instant now);

    /// The beginning of what the upstream has sent, for bridge::hint_of_first_bytes().
    const std::string& first_bytes() const { return first_bytes_; }
    /// Why the channel has ended by itself, in words; "" = it has not.
    const std::string& channel_reason() const { return channel_reason_; }

private:
    bool do_round(Instant now);
    bool read_upstream(Instant now);
    bool give_unread(Instant now);
    bool write_upstream(Instant now);
    bool close_upstream_if_due(Instant now);
    bool finish_upstream(Instant now);
    bool is_lingering() const { return linger_until_ != never; }
    void close_upstream(bridge::Relay::Closed how, Instant now);
    bool open_inner_if_wanted(Instant now);
    bool must_hold(Instant now) const;
    bool read_inner(Instant now);
    bool write_inner(Instant now);
    bool close_inner_if_due(Instant now);
    void close_inner(Instant now);

    bridge::Relay& relay_;
    InnerPeer peer_;
    std::unique_ptr<transport::InnerEnd> inner_;
    std::unique_ptr<Channel> channel_;  // nullptr = the relay has no upstream
    std::vector<Byte> unread_;          // bytes of the upstream that the relay does not read yet
    std::size_t inner_left_ = 0;        // bytes of the inner end that the relay was given and did not read
    bool is_inner_open_ = false;        // for the relay; the inner end may have ended already
    bool is_end_written_ = false;       // the last output of the ending relay, DISCONNECT, is written completely
    Instant linger_until_ = never;      // `never` = our direction to the upstream has not ended
    bool is_unfinished_ = false;        // the last turn stopped at rounds_max
    TokenBucket tokens_;                // a token is a byte to the upstream
    std::size_t piece_bytes_;           // of one read from the inner end
    bool is_held_ = false;              // since the last turn the inner end is not read, because tokens are missing
    std::string first_bytes_;
    std::string channel_reason_;
};

}  // namespace ledge::uplink
