// Driver: glue between links and the shard: what is read goes in, what is owed is written, once per connection and
// turn; and the orderly end of a connection. Nothing else. One per shard, on its thread.
//
//     open ──connection is closing──► unsent ──outbox empty──► lingering ──peer ends, or time──► dead
//       └─────────────── peer ends, error, or time ────────────────┴──────────────────────────────►┘
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
    Duration unsent_time_max = 5s;                // a closing connection's last bytes wait so long for a slow peer
    Duration linger_time_max = 1s;                // after our FIN, for the peer's
    std::uint32_t linger_links_max = 1024;        // more at once: the oldest is closed hard
    std::uint32_t linger_bytes_max = 256 * 1024;  // input dropped while lingering; more: closed hard
};

class Driver {
public:
    static constexpr std::size_t read_bytes_max = 64 * 1024;  // per connection and turn; one buffer for all

    Driver(broker::Shard& shard, net::Poller& poller, TurnClock& clock, const DriverLimits& limits = {});
    /// close_all() has been called, or nothing was ever adopted.
    ~Driver();
    Driver(const Driver&) = delete;
    Driver& operator=(const Driver&) = delete;

    // ---- For listeners

    /// A peer has connected. false: the shard refuses it, the link is closed and destroyed.
    bool adopt(std::unique_ptr<Link> link, const broker::Peer& peer);

    // ---- For links

    /// Bytes from the peer; wiped as long as it is not connected: there are passwords among them. The caller must not
    /// touch what it knows of the link's connection afterwards.
    void received(Link& link, std::span<Byte> bytes);
    /// The peer takes bytes again.
    void writable(Link& link);
    /// The same, at the end of the turn: what the turn still brings leaves together.
    void writable_soon(Link& link);
    /// The stream is at its end or broken.
    void lost(Link& link);
    /// The peer has ended in order, or must not go on, and our own end is on its way: the connection is over, the link
    /// lingers.
    void ended(Link& link);
    /// The buffer every socket is read into; its content is used up when received() returns.
    std::span<Byte> read_buffer() { return {read_buffer_.get(), read_bytes_max}; }
    net::Poller& poller() { return poller_; }
    /// A listener lets new connections wait: counted.
    void note_accept_pause() { shard_.note_accept_pause(); }

    // ---- For the loop

    /// End of a turn: writes every dirty outbox and destroys dead links. Not to be called from on_ready.
    void flush();
    /// Closes what has waited too long. Then next_deadline() is later than now.
    void on_time();
    /// When on_time() must be called; `never` when nothing is waited for.
    Instant next_deadline() const;
    /// Closes everything at once, also what is unsent.
    void close_all();

    /// Links that hold a descriptor, lingering ones included.
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
    List open_;       // a link is in the list of its phase
    List unsent_;     // oldest first, so that the deadlines ascend
    List lingering_;  // same
    List dead_;
    std::vector<Link*> writable_soon_;  // dead ones among them until the end of the turn
    std::size_t link_count_ = 0;
    std::uint32_t turn_ = 1;
};

}  // namespace ledge::transport
