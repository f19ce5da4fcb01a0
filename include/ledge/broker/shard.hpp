// Shard: the only door of the core. Bytes, time and closed sockets go in; filled outboxes and wishes to close come out.
// No I/O, no clock, no threads: the same object runs in the daemon, the tests, the fuzzers and the simulated world.
//
// One turn of the driver:
//     on_bytes / on_closed / on_time ...            any number
//     while (Connection* c = shard.next_dirty())    once each
//         write c->outbox(); if c->is_closing() and the outbox is empty: close the socket, then on_closed
// A Connection belongs to the shard and dies in on_closed. Not thread-safe: one thread per shard.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "ledge/base/bytes.hpp"
#include "ledge/base/time.hpp"
#include "ledge/broker/options.hpp"
#include "ledge/journal/ticket.hpp"
#include "ledge/session/pressure.hpp"

namespace ledge {
class Log;
}  // namespace ledge

namespace ledge::auth {
enum class Carrier : std::uint8_t;
struct LoginOutcome;
struct Policy;
}  // namespace ledge::auth

namespace ledge::journal {
struct Batch;
struct StoreImage;
struct StoreReader;
}  // namespace ledge::journal

namespace ledge::session {
class Connection;
struct LoginTask;
struct StandingRange;
}  // namespace ledge::session

namespace ledge::broker {

struct Metrics;
struct SessionFacts;
struct StoreFigures;

struct Peer {
    std::uint16_t listener = 0;  // index in ShardOptions::listeners
    std::string_view address;    // for logs: "192.0.2.7:51123", "[2001:db8::1]:51123", "unix"
    std::string_view user = {};  // whom TLS has proven it to be, by certificate or pre-shared key; "": nobody
};

class Shard {
public:
    /// `seed`: for assigned client ids, shared-subscription picks; wants real entropy in the daemon.
    Shard(const ShardOptions& options, const Log& log, std::uint64_t seed, Instant now);
    /// The same, continuing with what a store remembers. Time starts at image.now. `reader` outlives the shard.
    Shard(const ShardOptions& options, const Log& log, std::uint64_t seed, const journal::StoreImage& image,
          const journal::StoreReader& reader);
    ~Shard();
    Shard(const Shard&) = delete;
    Shard& operator=(const Shard&) = delete;

    /// A peer has connected. On a full listener somebody else's connection closes for it. nullptr: refused; close the
    /// socket. `driver_data` comes back as Connection::driver_data().
    session::Connection* open(const Peer& peer, void* driver_data, Instant now);

    /// Bytes from the peer, of any length. Ignored once the connection is closing.
    void on_bytes(session::Connection& connection, Bytes bytes, Instant now);

    /// The socket is gone, whoever closed it. The connection is destroyed.
    void on_closed(session::Connection& connection, Instant now);

    /// The driver has written: the outbox may have room again for what waits in the session.
    void on_drained(session::Connection& connection, Instant now);

    /// Timers due at `now`: keep alive, expiry, delayed wills, $SYS.
    void on_time(Instant now);
    /// When on_time must be called next; `never` when nothing is planned.
    Instant next_deadline() const;

    // Who may do what.
    /// Holds from now on, for connected clients and waiting messages too: whose user is gone or has another password
    /// is told 0x98, whose subscription has become forbidden is told 0x87 or loses it (Policy::on_revocation).
    void set_policy(auth::Policy policy, Instant now);
    /// Limits as the configuration has them now, of the listeners that both know by their names, for connected clients
    /// too; as far as with_live_limits() lets them change, and connections_max.
    void set_limits(const Listeners& listeners);
    /// One more listener; its index, for Peer::listener. `has_other_users`: as ShardOptions has it, with this one.
    std::uint16_t add_listener(const ListenerOptions& listener, bool has_other_users);
    /// It was read again; false: with a mistake, what was there before stays in force. For metrics() and $SYS.
    void note_reload(bool is_taken);
    /// The next check of a login that is for this carrier, of clients of any standing, or of these. Ask once a turn, as
    /// long as it has room for one more.
    std::optional<session::LoginTask> take_login_task(auth::Carrier carrier, Instant now);
    std::optional<session::LoginTask> take_login_task(auth::Carrier carrier, Instant now,
                                                      const session::StandingRange& range);
    /// Its outcome. `number` as it was given.
    void on_login_checked(std::uint64_t number, auth::LoginOutcome outcome, Instant now);

    // The store's side. At most one batch is under way: take_batch again only after on_committed.
    /// True when the pending records have to be written now. Call once a turn.
    bool wants_commit(Instant now);
    /// When it will be; `never` when nothing is pending.
    Instant commit_deadline() const;
    /// How long what nobody waits for may stay pending: a budget of flash writes widens it.
    void set_lazy_interval(Duration interval);
    /// Everything pending, for one transaction.
    journal::Batch take_batch(Instant now);
    /// The batch is on stable storage: what waited for it is sent. `used_fraction` as note_store_used.
    void on_committed(journal::Ticket last, double used_fraction, Instant now);
    /// So much of the store's ceiling is in use, 0 to 1: it decides what is refused for want of room.
    void note_store_used(double fraction, Instant now);
    /// Durable publications are refused for want of room, all or those of some owners: note_store_used can end it.
    bool is_store_short() const;
    /// Figures for metrics() and $SYS.
    void note_store(const StoreFigures& figures);
    /// It could not be written: nothing will be acknowledged as durable any more.
    void on_store_failed(Instant now);
    /// The batch that was taken had no room in the store; it is tried again until on_committed or on_store_failed.
    void on_commit_postponed(Instant now);

    /// A listener has accepted as many as it may for now.
    void note_accept_pause();

    // For operators
    /// At most `count_max` sessions whose client ids come after `after` ("": from the first on), in their order. Looks
    /// at every session.
    std::vector<SessionFacts> list_sessions(std::string_view after, std::size_t count_max) const;
    /// Ends it for good, connected or not; its client is told 0x98. False: there is none.
    bool remove_session(std::string_view client_id, Instant now);

    // Memory
    /// The process has `bytes` of resident anonymous memory: the measurement against which the core's own sum is held.
    /// Under pressure the shard wants a new one about every second.
    session::Pressure note_anonymous_memory(std::uint64_t bytes);

    /// Takes one connection off the dirty list: it has bytes to send or wants to be closed. nullptr: none left.
    session::Connection* next_dirty();

    /// Graceful stop: v5 clients get DISCONNECT 0x8B, every connection is closed. Wills are not sent: those that the
    /// store has come after the next start, unless their clients are back by then.
    void shut_down(Instant now);

    const Metrics& metrics() const;

private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace ledge::broker
