// Lifecycle: sessions begin, are taken over, lose their connection, expire and end; wills follow from it.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <string>

#include "ledge/broker/persist.hpp"
#include "ledge/session/connection.hpp"
#include "router.hpp"
#include "session_table.hpp"

namespace ledge::broker {

/// Seconds that the session of this CONNECT outlives its connection; 0: not at all.
std::uint32_t expiry_of(const wire::Connect& connect, const session::SessionLimits& limits);

class Lifecycle {
public:
    Lifecycle(session::Environment& environment, std::uint64_t seed, Subscriptions& subscriptions, Router& router,
              std::uint32_t sessions_max, const session::SessionLimits& limits_of_restored)
        : environment_(environment),
          sessions_(seed),
          subscriptions_(subscriptions),
          router_(router),
          sessions_max_(sessions_max),
          limits_of_restored_(limits_of_restored) {}

    /// CONNECT was accepted: clean start, resume or takeover, then CONNACK.
    void open(session::Connection& connection, const session::OpenSession& open, Instant now);

    /// The connection serves its session no more (it is closing or gone): will, expiry, and the end of a session that
    /// does not outlive its connection. Nothing to do without a session.
    void detach(session::Connection& connection, Instant now);

    /// Continues with what the store remembers: every session is offline since now.
    void restore(const StoredSession& stored, Instant now);
    /// Takes down the next rows that ended sessions have left in the store; after each commit.
    void take_down(Instant now);

    /// Ends the session that is away and empty for longest, of the owner whose tables hold most, if that is more than
    /// MemoryBudget::table_share(). `newcomer`: the owner that needs the memory, which is never less than the one that
    /// gives it; nullptr: nobody's. The bytes that it held; 0: there is none.
    std::uint64_t end_for_memory(const session::Account* newcomer, Instant now);

    void on_session_expired(session::Session& session, Instant now);
    void on_will_delay_passed(session::Session& session, Instant now);

    const SessionTable& sessions() const { return sessions_; }
    SessionTable& sessions() { return sessions_; }
    std::uint32_t connected() const { return connected_; }
    std::uint32_t connected_max() const { return connected_max_; }
    /// The shard ends: no wills, no more timers.
    void clear() { sessions_.clear(); }

private:
    bool is_one_too_many(const session::Connection& connection, std::string_view client_id) const;
    bool make_room(session::Connection& connection, const session::OpenSession& open, const session::Account& newcomer,
                   Instant now);
    bool has_place(const session::Account& newcomer, Instant now);
    bool has_memory(const session::OpenSession& open, bool is_persistent, const session::Account& newcomer,
                    Instant now);
    void end_for_another(session::Session& session, std::string_view limit, Instant now);
    void count_user(const session::Connection& connection, const session::Session& session, bool comes);
    bool belongs_to_another(const session::Connection& connection, const session::OpenSession& open) const;
    bool is_possible_without_store(const session::Connection& connection, const session::OpenSession& open) const;
    session::Session* take_over(std::string_view client_id, bool clean_start, Instant now);
    void end(session::Session& session, Instant now);
    void store_will(session::Session& session, const wire::Connect& connect);
    void schedule_will(session::Session& session, Instant now);
    void publish_will(session::Session& session, Instant now);
    void hand_on_shared(session::Session& session, Instant now);
    void hand_on(const session::Delivery& delivery, Instant now);
    void remove_record(session::Session& session);
    bool is_removal_under_way(const std::string& client_id) const;
    void leave_to_take_down(session::Session& session);
    void restore_exchanges(session::Session& session, const StoredSession& stored);

    /// The stored queue of a session that has ended; it goes in slices, not in one long turn.
    struct TakeDown {
        std::uint64_t session = 0;
        std::uint64_t from = 0;     // next row
        session::Ticket after = 0;  // its last row is in the store once that is durable
    };

    session::Environment& environment_;
    SessionTable sessions_;
    Subscriptions& subscriptions_;
    Router& router_;
    std::uint32_t sessions_max_;
    const session::SessionLimits& limits_of_restored_;  // until the client comes back through some listener
    std::vector<TakeDown> take_downs_;
    /// Removals of records, by client id, until they are durable: those up to `last`, and later ones.
    struct Removals {
        boost::unordered_flat_map<std::string, session::Ticket> by_client_id;
        session::Ticket last = 0;
    };
    Removals older_removals_;
    Removals removals_;
    Instant quiet_until_ = Instant::min();                         // sessions that give way are told of once in a while
    std::uint64_t untold_ = 0;                                     // of them
    boost::unordered_flat_map<std::string, std::uint32_t> users_;  // their connections, where there is a limit
    std::uint32_t connected_ = 0;
    std::uint32_t connected_max_ = 0;
};

}  // namespace ledge::broker
