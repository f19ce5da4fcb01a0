// Shard: the only entry to the core of the broker. Bytes, time and closed sockets go in. Bytes to send and requests to
// close a connection come out. The shard has no I/O, no clock and no threads, so the same object runs in the daemon,
// the tests, the fuzzers and the simulator.
//
// One turn of the driver:
//     on_bytes / on_closed / on_time ...            any number of calls
//     while (Connection* c = shard.next_dirty())    each connection once
//         write c->outbox(); if c->is_closing() and the outbox is empty: close the socket, then on_closed
// The shard owns its connections; on_closed destroys one. The shard is not thread-safe: one thread per shard.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/base/bytes.hpp"
#include "ledge/base/ids.hpp"
#include "ledge/base/time.hpp"

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
struct PublicationView;
struct StoreImage;
class StoreReader;
}  // namespace ledge::journal

namespace ledge::session {
class Connection;
class LinkHandle;
class Tracer;
enum class Pressure : std::uint8_t;
struct ListenerOptions;
struct LoginTask;
struct StandingRange;
}  // namespace ledge::session

namespace ledge::broker {

enum class Durable : std::uint8_t;
enum class Kicked : std::uint8_t;
class Inspector;
struct Ban;
struct BanSubject;
struct ListenerFigures;
struct Metrics;
struct OperatorPublication;
struct QueueClearing;
struct QueueFacts;
struct SessionFacts;
struct ShardOptions;
struct StoreFigures;
struct SubscriptionFacts;

struct Peer {
    std::uint16_t listener = 0;  // index in ShardOptions::listeners
    std::string_view address;    // for logs: "192.0.2.7:51123", "[2001:db8::1]:51123", "unix"
    std::string_view user = {};  // user proven by TLS or by peer_credentials of a Unix socket; "" = none
    bool is_inner = false;       // a part of this program, named by `user`; it may do all that its clients may do
};

class Shard {
public:
    /// `seed` feeds assigned client ids, hash secrets and the picks of shared subscriptions. The daemon must pass real
    /// entropy.
    Shard(const ShardOptions& options, const Log& log, std::uint64_t seed, Instant now);
    /// A shard that continues from the image of a store. Time starts at image.now. The store behind `reader` must
    /// outlive the shard.
    Shard(const ShardOptions& options, const Log& log, std::uint64_t seed, const journal::StoreImage& image,
          journal::StoreReader& reader);
    ~Shard();
    Shard(const Shard&) = delete;
    Shard& operator=(const Shard&) = delete;

    /// A peer has connected. Returns its connection, never nullptr. When the listener has no free place left, the
    /// connection of another peer that has not finished its CONNECT closes (broker/admission.hpp). The driver gets
    /// `link` back from Connection::link().
    session::Connection* open(const Peer& peer, session::LinkHandle* link, Instant now);

    /// Bytes from the peer, of any length. They are ignored once the connection is closing.
    void on_bytes(session::Connection& connection, Bytes bytes, Instant now);

    /// The socket is closed, by the peer or by the driver. Destroys the connection.
    void on_closed(session::Connection& connection, Instant now);

    /// The driver has written bytes of the outbox, so messages that wait in the session may fit into it again.
    void on_drained(session::Connection& connection, Instant now);

    /// Runs the timers that are due at `now`: keep alive, expiry, delayed wills, $SYS.
    void on_time(Instant now);
    /// When on_time must be called next; `never` when no timer is set.
    Instant next_deadline() const;

    // Access rights and logins
    /// Replaces the policy; `policy` is not nullptr. The new rules hold at once, also for connected clients and waiting
    /// messages. A client whose user was removed or has another password is disconnected with 0x98, at the latest when
    /// its next bytes arrive. A client with a subscription that is now forbidden is disconnected with 0x87 or loses the
    /// subscription (Policy::on_revocation). The clients are judged in steps: in this call, and in further calls of
    /// on_time() until next_deadline() asks for no more.
    void set_policy(std::shared_ptr<const auth::Policy> policy, Instant now);
    /// Applies changed options to the listeners of the same name, for connected clients too: those that
    /// take_live_options() allows to change.
    void set_limits(const std::deque<session::ListenerOptions>& listeners);
    /// Adds a listener and returns its index for Peer::listener. `has_other_users` is ShardOptions::has_other_users of
    /// all listeners, this one included.
    std::uint16_t add_listener(const session::ListenerOptions& listener, bool has_other_users);
    /// The same for a listener without an address, which stands for a part of this program. Its rules hold at once for
    /// the session of this part, if an earlier configuration has left one.
    std::uint16_t add_inner_listener(const session::ListenerOptions& listener);
    /// The configuration was read again, for metrics() and $SYS. `is_taken` is false when the new configuration has an
    /// error and the old one stays in force.
    void note_reload(bool is_taken);
    /// The next login check for this carrier, of clients of any standing or of the standings in `range`; empty when no
    /// check waits. Call once a turn, and again while the carrier has room for another check.
    std::optional<session::LoginTask> take_login_task(auth::Carrier carrier, Instant now);
    std::optional<session::LoginTask> take_login_task(auth::Carrier carrier, Instant now,
                                                      const session::StandingRange& range);
    /// The outcome of the check LoginTask::number.
    void on_login_checked(std::uint64_t number, auth::LoginOutcome outcome, Instant now);

    // For the committer, which writes the journal to the store. At most one batch is under way: call take_batch again
    // only after on_committed.
    /// True when the pending records have to be written now. Call once a turn.
    bool wants_commit(Instant now);
    /// When the pending records have to be written; `never` when no record is pending.
    Instant commit_deadline() const;
    /// How long a record that nobody waits for may stay pending. The committer raises the interval to keep to a budget
    /// of flash writes.
    void set_lazy_interval(Duration interval);
    /// All pending records, to be written in one transaction.
    journal::Batch take_batch(Instant now);
    /// The batch up to ticket `last` is on stable storage. Sends everything that waited for the batch. `used_fraction`
    /// has the meaning of note_store_used.
    void on_committed(Ticket last, double used_fraction, Instant now);
    /// The used part of the store's ceiling, from 0 to 1. Above DurabilityOptions::refuse_above_used, durable
    /// publications are refused.
    void note_store_used(double fraction, Instant now);
    /// True while durable publications of all owners, or of owners above their share, are refused for lack of room. A
    /// call of note_store_used can end this state.
    bool is_store_short() const;
    /// Figures of the store for metrics() and $SYS.
    void note_store(const StoreFigures& figures);
    /// The store cannot be written any more. From now on no publication is acknowledged as durable.
    void on_store_failed(Instant now);
    /// The batch that was taken had no room in the store. The committer tries it again until on_committed or
    /// on_store_failed.
    void on_commit_postponed(Instant now);

    /// A listener has reached connections_per_second and accepts no connection for a while. For metrics().
    void note_accept_pause();

    // For operators
    /// Questions that change nothing.
    Inspector inspector() const;
    /// The session with this client id; empty when there is none.
    std::optional<SessionFacts> find_session(std::string_view client_id) const;
    /// Ends the client's connection with 0x98. Its session goes on as after any lost connection.
    Kicked kick(std::string_view client_id, Instant now);
    /// Refuses the subject with 0x8A from now on, and ends its connections with 0x98, in this and the next turns. A
    /// second ban of a subject replaces the first. Empty when Bans::count_max bans are in force. Does not concern parts
    /// of this program. Requires exactly one subject.
    std::optional<Ban> ban(const BanSubject& subject, Duration duration, Instant now);
    /// False when no ban has the number.
    bool lift_ban(std::uint64_t number);
    std::vector<Ban> bans() const;
    /// Discards messages that wait for the client, up to the newest at the first call. Exchanges that have begun go
    /// on. Each call does a part of the work; true when all is done. The removals survive a crash after the commit that
    /// is requested here.
    bool clear_queue(QueueClearing& clearing, Instant now);
    /// Publishes in the name of the operator: no rules apply, all limits hold. An empty payload with RETAIN removes the
    /// retained message. Requires a valid topic that does not begin with "$SYS/".
    OperatorPublication publish(const journal::PublicationView& publication, Instant now);
    /// Whether a publication with this ticket is as safe as its level promises.
    Durable durability_of(Ticket ticket) const;
    /// Traces: what becomes of messages. The caller tells the time, because events come only with traffic.
    session::Tracer& tracer();
    /// Ends the session for good, connected or not; its client is disconnected with 0x98. False when no session has
    /// this client id.
    bool remove_session(std::string_view client_id, Instant now);

    // For parts of this program that are not the core, such as bridges
    /// The subscriptions of the session; empty when no session has this client id.
    std::vector<SubscriptionFacts> subscriptions_of(std::string_view client_id) const;
    /// Ends the subscriptions of the session to all filters that are not in `kept`. Its messages stay. Has no effect
    /// when no session has this client id.
    void keep_subscriptions(std::string_view client_id, std::span<const std::string> kept, Instant now);
    /// The queue of the session; empty when no session has this client id. Walks through the messages in flight.
    std::optional<QueueFacts> find_queue(std::string_view client_id) const;
    /// ShardOptions::sys_interval: facts that change all the time are published no more often. 0 = no facts at all.
    Duration sys_interval() const;
    /// Publishes what a part tells about itself: a retained message with the topic "$SYS/broker/" + `topic`. Call it
    /// when the value has changed. "" removes the retained message.
    void publish_fact(std::string_view topic, std::string_view value, Instant now);

    // Memory
    /// The process has `bytes` of resident anonymous memory. The memory budget compares this measurement with the sum
    /// that the core keeps itself. Call once a second, and every 100 ms while the returned pressure is not `none`.
    session::Pressure note_anonymous_memory(std::uint64_t bytes);

    /// Removes one connection from the dirty list and returns it: the connection has bytes to send, is to be closed, or
    /// is to be read again. nullptr when the list is empty.
    session::Connection* next_dirty();

    /// Graceful stop: v5 clients get DISCONNECT 0x8B, and every connection is closed. Wills are not published now.
    /// Those that the store has are published after the next start, unless their clients return before.
    void shut_down(Instant now);

    const Metrics& metrics() const;
    /// Looks at the queues of all sessions, for Metrics::queues: at once, or in this and the next turns if there are
    /// many sessions. Does nothing while an earlier survey is under way.
    void survey_queues();
    /// One entry for each listener, by index; those of parts of the program too.
    std::vector<ListenerFigures> listener_figures() const;

private:
    friend class Inspector;
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

}  // namespace ledge::broker
