// Driver: moves bytes between the links and the shard, and ends the links. A link is in exactly one of the lists open_,
// unsent_, lingering_ and dead_, as Link::Phase says.
#include "ledge/transport/driver.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/session/connection.hpp"
#include "ledge/session/listener_counters.hpp"

namespace ledge::transport {

Driver::Driver(broker::Shard& shard, net::Poller& poller, TurnClock& clock, const DriverLimits& limits)
    : shard_(shard),
      poller_(poller),
      clock_(clock),
      limits_(limits),
      read_buffer_(std::make_unique_for_overwrite<Byte[]>(read_bytes_max)) {}

Driver::~Driver() { LEDGE_ASSERT(link_count_ == 0 && dead_.empty()); }

bool Driver::adopt(std::unique_ptr<Link> link, const broker::Peer& peer) {
    LEDGE_ASSERT(link != nullptr && link->phase_ == Link::Phase::open && link->connection_ == nullptr);
    Link* adopted = link.get();
    adopted->connection_ = shard_.open(peer, adopted, now());
    if (adopted->connection_ == nullptr) {
        // The shard has refused the peer. `link` still owns the object and destroys it.
        adopted->close();
        return false;
    }
    // Known only now, because the limits depend on the listener.
    adopted->read_bytes_max_ = adopted->connection_->read_bytes_max();
    open_.push_back(*link.release());
    ++link_count_;
    return true;
}

// ---------------------------------------------------------------------------------------------------------------------
// From the peer

[[gnu::hot]] void Driver::received(Link& link, std::span<Byte> bytes) {
    if (link.phase_ == Link::Phase::open) {
        LEDGE_ASSERT(link.connection_ != nullptr);
        const bool may_hold_password = !link.connection_->is_connected();
        shard_.on_bytes(*link.connection_, bytes, now());
        // The read buffer belongs to all links and lives as long as the process; a CONNECT must not stay in it.
        if (may_hold_password) explicit_bzero(bytes.data(), bytes.size());
        // Backpressure: a connection over its limits is not read until write_out() finds that it wants input again.
        if (!link.connection_->wants_input() && !link.is_paused_) set_reading(link, false);
    } else if (link.phase_ == Link::Phase::lingering) {
        discard(link, bytes.size());
    }  // in the phase unsent, the connection is closing and accepts no input
}

void Driver::set_reading(Link& link, bool is_wanted) {
    LEDGE_ASSERT(link.is_paused_ == is_wanted);  // links need not handle the same request twice
    link.is_paused_ = !is_wanted;
    link.set_reading(is_wanted);
}

/// Drops input of a lingering link. The limit ends a peer that goes on sending instead of closing.
void Driver::discard(Link& link, std::size_t bytes) {
    link.discarded_bytes_ += static_cast<std::uint32_t>(bytes);
    if (link.discarded_bytes_ > limits_.linger_bytes_max) lost(link);
}

void Driver::writable(Link& link) {
    link.is_blocked_ = false;
    if (link.connection_ != nullptr) write_out(link);
}

void Driver::writable_soon(Link& link) { writable_soon_.push_back(&link); }

void Driver::lost(Link& link) {
    if (link.phase_ == Link::Phase::dead) return;
    // Cleared first: on_closed() may cause further calls about this link, which then find no connection.
    session::Connection* connection = std::exchange(link.connection_, nullptr);
    move_to(dead_, link, Link::Phase::dead);
    LEDGE_ASSERT(link_count_ > 0);
    --link_count_;
    link.close();
    if (connection != nullptr) shard_.on_closed(*connection, now());
}

// ---------------------------------------------------------------------------------------------------------------------
// To the peer

[[gnu::hot]] void Driver::flush() {
    // The loop uses an index, because a write may add a link to the vector.
    for (std::size_t i = 0; i < writable_soon_.size(); ++i) {
        if (writable_soon_[i]->phase_ != Link::Phase::dead) writable(*writable_soon_[i]);
    }
    writable_soon_.clear();
    // All output of a turn is written at its end, so that many small packets leave in one system call.
    while (session::Connection* connection = shard_.next_dirty()) {
        write_out(*static_cast<Link*>(connection->link()));
    }
    destroy_dead();
    ++turn_;
}

[[gnu::hot]] void Driver::write_out(Link& link) {
    LEDGE_ASSERT(link.connection_ != nullptr);
    session::Connection& connection = *link.connection_;
    if (link.is_paused_ && connection.wants_input()) {
        set_reading(link, true);
        // The system may refuse to watch the descriptor again; the link is lost then.
        if (link.connection_ == nullptr) return;
    }
    // A blocked link waits for the poller. Trying again before would be a useless system call for each packet.
    if (!link.is_blocked_) {
        const std::size_t unsent = connection.outbox().size();
        const Link::Wrote wrote = link.write(connection.outbox());
        connection.listener_counters->bytes_sent += unsent - connection.outbox().size();
        if (wrote == Link::Wrote::failed) return lost(link);
        link.is_blocked_ = wrote == Link::Wrote::part;
    }
    // A link that is blocked although the outbox is empty still holds the last bytes itself (TLS, WebSocket).
    const bool is_sent = connection.outbox().empty() && !link.is_blocked_;
    if (connection.is_closing()) return is_sent ? finish(link) : await_sending(link);
    if (!link.is_blocked_) tell_drained(link);
}

/// Tells the shard that the outbox is empty. The session may then add more bytes, which makes the connection dirty
/// again. This happens once per turn and link: while the backlog of a fast reader is sent, the other connections must
/// not wait. The second time, the link asks for writable(), which comes in a later turn.
[[gnu::hot]] void Driver::tell_drained(Link& link) {
    if (link.drained_turn_ == turn_) {
        link.is_blocked_ = true;
        link.ask_writable();
        return;
    }
    link.drained_turn_ = turn_;
    shard_.on_drained(*link.connection_, now());
}

// ---------------------------------------------------------------------------------------------------------------------
// The end of a connection

void Driver::await_sending(Link& link) {
    if (link.phase_ != Link::Phase::open) return;
    // The peer gets some time to read the last bytes, which may say why the broker closes the connection.
    link.deadline_ = now() + limits_.unsent_time_max;
    move_to(unsent_, link, Link::Phase::unsent);
}

void Driver::finish(Link& link) {
    link.finish();
    linger(link);
}

void Driver::ended(Link& link) {
    if (link.connection_ != nullptr) linger(link);
}

void Driver::linger(Link& link) {
    session::Connection* connection = std::exchange(link.connection_, nullptr);
    LEDGE_ASSERT(connection != nullptr);
    // Closing at once while input is unread would make the kernel send RST, and the peer could lose the last bytes.
    link.deadline_ = now() + limits_.linger_time_max;
    move_to(lingering_, link, Link::Phase::lingering);
    shard_.on_closed(*connection, now());
    // Lingering links hold descriptors, so their number is limited.
    if (lingering_.size() > limits_.linger_links_max) lost(lingering_.front());
}

void Driver::on_time() {
    close_expired(unsent_);
    close_expired(lingering_);
}

void Driver::close_expired(List& list) {
    // All links of a list wait equally long, so the first one has the earliest deadline.
    while (!list.empty() && list.front().deadline_ <= now()) lost(list.front());
}

Instant Driver::next_deadline() const {
    const Instant unsent = unsent_.empty() ? never : unsent_.front().deadline_;
    const Instant lingering = lingering_.empty() ? never : lingering_.front().deadline_;
    return std::min(unsent, lingering);
}

void Driver::close_all() {
    for (List* list : {&open_, &unsent_, &lingering_}) {
        while (!list->empty()) lost(list->front());
    }
    destroy_dead();
}

// ---------------------------------------------------------------------------------------------------------------------
// Lists

Driver::List& Driver::list_of(Link::Phase phase) {
    switch (phase) {
        case Link::Phase::open: return open_;
        case Link::Phase::unsent: return unsent_;
        case Link::Phase::lingering: return lingering_;
        case Link::Phase::dead: break;
    }
    return dead_;
}

void Driver::move_to(List& list, Link& link, Link::Phase phase) {
    LEDGE_ASSERT(link.phase_ != phase);
    List& old = list_of(link.phase_);
    link.phase_ = phase;
    list.splice(list.end(), old, old.iterator_to(link));
}

/// Closed links are destroyed only at the end of the turn, because an event of the same poll may still refer to them.
void Driver::destroy_dead() {
    // The vector may contain links that are destroyed now.
    writable_soon_.clear();
    dead_.clear_and_dispose([](Link* link) { delete link; });
}

}  // namespace ledge::transport
