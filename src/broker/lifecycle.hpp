// Lifecycle: owns the sessions of a shard and decides when they begin, are taken over, lose their connection, expire
// and end. It also publishes their wills. Owned by the shard; on the shard's thread.
//
//     takeover.cpp    CONNECT, disconnect, expiry, end       session_room.cpp    room for new sessions
//     wills.cpp       wills                                  session_end.cpp     sessions ended for good
//     restore.cpp     sessions from the store
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/base/log.hpp"
#include "ledge/base/timer_wheel.hpp"
#include "ledge/broker/session_facts.hpp"
#include "ledge/journal/journal.hpp"
#include "ledge/journal/message_references.hpp"
#include "ledge/journal/records.hpp"
#include "ledge/journal/store_reader.hpp"
#include "ledge/session/account.hpp"
#include "ledge/session/connection.hpp"
#include "ledge/session/counters.hpp"
#include "ledge/session/memory_budget.hpp"
#include "ledge/session/message_owners.hpp"
#include "ledge/session/services.hpp"
#include "retained_feeds.hpp"
#include "router.hpp"
#include "session_table.hpp"
#include "takeover_fights.hpp"

namespace ledge::auth {
class LoginGuard;
struct Policy;
}  // namespace ledge::auth

namespace ledge::journal {
struct StoredSession;
struct StoredRow;
}  // namespace ledge::journal

namespace ledge::broker {

struct ShardOptions;

/// Seconds that the session of this CONNECT outlives its connection. 0 = the session ends with the connection.
std::uint32_t expiry_of(const wire::Connect& connect, const session::SessionLimits& limits);

class Lifecycle {
public:
    struct Services {
        const Log& log;
        TimerWheel& timers;
        session::MemoryBudget& memory;
        session::Accounts& accounts;
        session::Counters& counters;
        session::Tracer& tracer;
        const std::shared_ptr<const auth::Policy>& policy;  // the policy in force
        auth::LoginGuard& guard;
        journal::Journal& journal;
        session::MessageOwners& message_owners;
        journal::MessageReferences& references;
        journal::StoreReader& store;
        const session::SessionServices& for_sessions;
    };

    Lifecycle(const Services& services, std::uint64_t seed, Subscriptions& subscriptions, Router& router,
              RetainedFeeds& feeds, const ShardOptions& options);
    /// See ShardOptions::has_other_users.
    void set_other_users(bool has_other_users) { has_other_users_ = has_other_users; }

    /// The login of a CONNECT was accepted. Makes, resumes or takes over the session and sends CONNACK; or refuses the
    /// connection; or makes it wait for its turn.
    void open(session::Connection& connection, const session::OpenSession& open, Instant now);

    /// Separates a connection that is closing or gone from its session: handles the will, starts the expiry, and ends a
    /// session that does not outlive its connection. Does nothing for a connection without a session.
    void detach(session::Connection& connection, Instant now);
    /// The same at the stop of the broker, which is not a failure of the client. The will is not published. A will that
    /// the store has is published after the next start, unless its client returns before.
    void detach_for_stop(session::Connection& connection, Instant now);

    /// Takes one session over from the store at the start. The session counts as offline since `now`.
    void restore(const journal::StoredSession& stored, Instant now);
    /// Call after all sessions were restored and the expired ones have ended. Defers the wills of clients that have no
    /// session.
    void restore_wills(Instant now);
    /// Removes the next rows that ended sessions have left in the store. Call after each commit.
    void remove_ended_queues(Instant now);

    /// Ends one session to free memory: the session that is empty and has been offline for longest, of the owner with
    /// the most memory in tables. Only owners with at least MemoryBudget::table_share() are considered. `newcomer` is
    /// the owner that needs the memory, or nullptr; other owners are considered only if they have more than `newcomer`.
    /// Returns the bytes of the session, 0 when there is none to end.
    std::uint64_t end_for_memory(const session::Account* newcomer, Instant now);

    /// The session has expired, or the time of its expiry has to be written now.
    void on_expiry_timer(session::Session& session, Instant now);
    /// For the stop of the broker: writes into the store when each offline session expires.
    void record_ends();
    void on_will_delay_passed(session::Session& session, Instant now);

    /// See Shard::remove_session.
    bool remove(std::string_view client_id, Instant now);

    /// The listener of an inner client has other queue rules, or is new. They hold for this client's session at once.
    void note_changed_rules(const session::ListenerOptions& listener, bool has_other_last_value);

    const SessionTable& sessions() const { return sessions_; }
    SessionTable& sessions() { return sessions_; }
    std::uint32_t connected() const { return connected_; }
    std::uint32_t connected_max() const { return connected_max_; }
    /// Destroys all sessions at the end of the shard, without wills and timers.
    void clear() { sessions_.clear(); }

private:
    session::Session& create(std::string_view client_id, const session::SessionLimits& limits);
    bool exceeds_user_limit(const session::Connection& connection, std::string_view client_id) const;
    bool make_room(session::Connection& connection, const session::OpenSession& open, const session::Account& newcomer,
                   Instant now);
    bool has_place(const session::Account& newcomer, Instant now);
    bool has_memory(const session::OpenSession& open, bool is_persistent, const session::Account& newcomer,
                    Instant now);
    void end_for_another(session::Session& session, std::string_view limit, Instant now);
    void count_user(const session::Connection& connection, const session::Session& session, bool comes);
    bool belongs_to_another(const session::Connection& connection, const session::OpenSession& open) const;
    bool is_possible_without_store(const session::Connection& connection, const session::OpenSession& open) const;
    bool may_open(session::Connection& connection, const session::OpenSession& open, Instant now);
    bool must_wait(session::Connection& connection, const session::OpenSession& open, Instant now);
    void forget_postponed(const session::Connection& connection);
    void wake_postponed(const session::Session& session, Instant now);
    void note_takeover(const session::Connection& previous, const session::Connection& next, std::string_view client_id,
                       Instant now);
    session::Session* take_over(const session::Connection& connection, const session::OpenSession& open, Instant now);
    void end_session_of_removed_owner(const session::Connection& connection, const session::OpenSession& open,
                                      Instant now);
    bool is_owner_removed(const session::Session& session) const;
    void end_for_good(session::Session& session, wire::ReasonCode code, std::string_view reason, Instant now);
    void on_session_expired(session::Session& session, Instant now);
    static Duration expiry_record_delay(const session::Session& session);
    bool ends_deferred_will(session::Session& session, Instant now);
    session::Session& detach_session(session::Connection& connection, Instant now);
    void start_expiry(session::Session& session, Instant now);
    void end(session::Session& session, Instant now, journal::Urgency urgency = journal::Urgency::lazy);
    void store_will(session::Session& session, const wire::Connect& connect, std::uint16_t keep_alive_s);
    bool needs_will_record(const session::Session& session, const wire::Connect& connect) const;
    void renew(session::Session& session);
    void schedule_will(session::Session& session, Instant now);
    void publish_will(session::Session& session, Instant now);
    void reroute_shared(session::Session& session, Instant now);
    bool reroute_to_group(session::Delivery& delivery, Instant now);
    void remove_record(session::Session& session, journal::Urgency urgency);
    bool is_removal_under_way(const std::string& client_id) const;
    void leave_queue_in_store(session::Session& session, journal::Urgency urgency);
    void restore_subscription(session::Session& session, const journal::StoredRow& row);
    void restore_queue(session::Session& session, const journal::StoredSession& stored);
    void restore_exchanges(session::Session& session, const journal::StoredSession& stored);
    void restore_will(session::Session& session, journal::StoredWill will, Instant due, Instant now);
    bool is_of_removed_bridge(std::string_view client_id) const;
    void leave(session::Session& session, const journal::StoredSession& stored);
    const session::ListenerOptions* listener_of(std::string_view client_id) const;
    const session::SessionLimits& limits_of_restored(std::string_view client_id) const;
    static void set_owner(session::Session& session, std::string_view owner);

    /// The stored queue of a session that has ended. It is removed in slices, so that no turn is long.
    struct EndedQueue {
        SessionNumber session = no_session;  // the session in the store
        QueueRow from = no_row;              // the next row to remove
        Ticket after = no_ticket;            // when this ticket is durable, the store has the last row of the queue
    };

    /// A will that was found in the store without a session.
    struct WillAlone {
        SessionNumber number = no_session;  // of the will's own record; no_session = it has none yet
        std::string client_id;
        std::string owner;
        NetworkId network = NetworkId::none;
        journal::StoredWill will;
        Instant due = never;
    };

    Services services_;
    SessionTable sessions_;
    Subscriptions& subscriptions_;
    Router& router_;
    RetainedFeeds& feeds_;
    std::uint32_t sessions_max_;
    bool has_other_users_;
    const std::deque<session::ListenerOptions>& listeners_;
    std::vector<EndedQueue> ended_queues_;
    std::vector<journal::StoredDelivery> loaded_;  // scratch for reading the store
    std::vector<Byte> source_;                     // scratch for the source of a will
    std::vector<WillAlone> wills_alone_;           // between restore() and restore_wills()
    /// Tickets of removed session records, by client id, until the removals are durable. A new removal is added to
    /// removals_. When all of older_removals_ are durable, removals_ takes its place.
    struct Removals {
        boost::unordered_flat_map<std::string, Ticket> by_client_id;
        Ticket last = no_ticket;  // the highest of these tickets
    };
    Removals older_removals_;
    Removals removals_;
    TakeoverFights fights_;
    boost::unordered_flat_map<std::string, session::Connection*> postponed_;  // waiting for their turn, by client id
    Instant next_log_at_ = Instant::min();                         // of the line about sessions that were replaced
    std::uint64_t unlogged_sessions_ = 0;                          // replaced since that line
    boost::unordered_flat_map<std::string, std::uint32_t> users_;  // connections by user, where a limit exists
    std::uint32_t connected_ = 0;
    std::uint32_t connected_max_ = 0;
};

}  // namespace ledge::broker
