// Driver: connects the links with the shard. It passes received bytes to the shard, writes the outbox of each
// connection once per turn, and ends connections in order. One driver per shard, on the shard's thread; the BrokerLoop
// owns it.
//
//     open ──connection is closing──► unsent ──outbox empty──► lingering ──peer ends, or timeout──► dead
//       └─────────────── peer ends, error, or timeout ─────────────┴────────────────────────────────►┘
#pragma once

#include <boost/intrusive/list.hpp>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "ledge/base/bytes.hpp"
#include "ledge/broker/shard.hpp"
#include "ledge/net/poller.hpp"
#include "ledge/transport/link.hpp"
#include "ledge/transport/turn_clock.hpp"

namespace ledge::transport {

struct DriverLimits {
    Duration unsent_time_max = 5s;                // how long a closing connection may take to send its last bytes
    Duration linger_time_max = 1s;                // from our FIN to the peer's FIN
    std::uint32_t linger_links_max = 1024;        // lingering links at once; above it, the oldest is closed by force
    std::uint32_t linger_bytes_max = 256 * 1024;  // input dropped while lingering; above it, the link is closed
};

class Driver {
public:
    static constexpr std::size_t read_bytes_max = 64 * 1024;  // read per connection and turn; size of the one buffer

    Driver(broker::Shard& shard, net::Poller& poller, TurnClock& clock, const DriverLimits& limits = {});
    /// Requires that close_all() was called or that no link was ever adopted.
    ~Driver();
    Driver(const Driver&) = delete;
    Driver& operator=(const Driver&) = delete;

    // ---- For listeners

    /// A peer has connected. Returns false when the shard refuses the peer; the link is closed and destroyed then.
    bool adopt(std::unique_ptr<Link> link, const broker::Peer& peer);

    // ---- For links

    /// Passes bytes from the peer to the shard. Before the MQTT connection is accepted, `bytes` is wiped afterwards,
    /// because CONNECT may contain a password. The call may close the link and end its connection.
    void received(Link& link, std::span<Byte> bytes);
    /// The peer accepts bytes again: writes the outbox now.
    void writable(Link& link);
    /// The peer accepts bytes again: writes the outbox at the end of the turn, together with the bytes that the turn
    /// still adds.
    void writable_soon(Link& link);
    /// The stream has ended or is broken: closes the link. The connection is over.
    void lost(Link& link);
    /// The peer has ended the stream in order, or broke the protocol of the stream, and the link sends its own end: the
    /// connection is over, and the link lingers.
    void ended(Link& link);
    /// The one buffer into which all sockets are read. Its content is consumed when received() returns.
    std::span<Byte> read_buffer() { return {read_buffer_.get(), read_bytes_max}; }
    net::Poller& poller() { return poller_; }
    /// Counts a pause of a listener, which lets new connections wait.
    void note_accept_pause() { shard_.note_accept_pause(); }

    // ---- For the loop

    /// Ends a turn: writes every dirty outbox and destroys dead links. Must not be called from on_ready().
    void flush();
    /// Closes the links whose deadline has passed. Afterwards next_deadline() is later than now.
    void on_time();
    /// The next instant at which on_time() must be called; `never` when no link waits for its end.
    Instant next_deadline() const;
    /// Closes all links at once. Unsent bytes are lost.
    void close_all();

    /// The number of links that are not dead, including lingering ones.
    std::size_t link_count() const { return link_count_; }
    Instant now() { return clock_.now(); }

private:
    using List = boost::intrusive::list<Link>;

    void set_reading(Link& link, bool is_wanted);
    void write_out(Link& link);
    void tell_drained(Link& link);
    void await_sending(Link& link);
    void finish(Link& link);
    void linger(Link& link);
    void discard(Link& link, std::size_t bytes);
    void move_to(List& list, Link& link, Link::Phase phase);
    List& list_of(Link::Phase phase);
    void close_expired(List& list);
    void destroy_dead();

    broker::Shard& shard_;
    net::Poller& poller_;
    TurnClock& clock_;
    DriverLimits limits_;
    std::unique_ptr<Byte[]> read_buffer_;
    List open_;       // each link is in the list of its phase
    List unsent_;     // oldest first, so the deadlines ascend
    List lingering_;  // oldest first, so the deadlines ascend
    List dead_;
    std::vector<Link*> writable_soon_;  // may contain dead links until the end of the turn
    std::size_t link_count_ = 0;
    std::uint32_t turn_ = 1;
};

}  // namespace ledge::transport
