// Lifecycle: room for new sessions. A client whose session exists always gets it back, and a client on a Unix socket
// (the operator) always gets a session. When sessions_max is reached or memory is short, a new session replaces an old
// one: the session that is empty and has been offline for longest, of the owner with the most sessions or memory. So an
// owner that fills the broker with sessions loses sessions of its own.
#include <string>
#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/journal/records.hpp"
#include "lifecycle.hpp"

namespace ledge::broker {

using session::Account;
using session::Session;
using wire::ReasonCode;

// Makes room for one new session. False when there is no room; the connection is refused then.
bool Lifecycle::make_room(session::Connection& connection, const session::OpenSession& open, const Account& newcomer,
                          Instant now) {
    const bool is_local = network_of(connection.peer().address) == NetworkId::none;
    if (!has_place(newcomer, now) && !is_local) {
        connection.refuse(
            open, ReasonCode::quota_exceeded,
            "broker.sessions_max (" + std::to_string(sessions_max_) + ") is reached, and no session can be replaced");
        return false;
    }
    const bool is_persistent = expiry_of(open.connect, connection.limits()) > 0;
    if (!has_memory(open, is_persistent, newcomer, now) && !is_local) {
        ++services_.counters.refused_memory;
        connection.refuse(
            open, ReasonCode::server_busy,
            "memory.budget_bytes (" + std::to_string(services_.memory.budget()) + ") is nearly used up; try later");
        return false;
    }
    return true;
}

// True when sessions_max leaves a place, or an old session was ended for the new one. The old session belongs to the
// newcomer itself or to an owner that still has more sessions afterwards: no owner is pushed below another.
bool Lifecycle::has_place(const Account& newcomer, Instant now) {
    // Nothing is ended while there is a free place.
    if (sessions_.size() < sessions_max_) return true;
    Account* largest = services_.accounts.largest([&](const Account& account) {
        const bool may_give = &account == &newcomer || account.sessions > newcomer.sessions + 1;
        return may_give && account.longest_away != nullptr ? account.sessions : 0U;
    });
    Session* session = largest == nullptr ? nullptr : largest->longest_away_empty();
    if (session == nullptr) return false;
    end_for_another(*session, "broker.sessions_max", now);
    return true;
}

// True when memory suffices for the session, or enough old sessions were ended for it. A session that ends with its
// connection needs little memory, and only for the time of the connection. So it is refused only when the budget is
// exhausted.
bool Lifecycle::has_memory(const session::OpenSession& open, bool is_persistent, const Account& newcomer, Instant now) {
    const session::MemoryBudget& memory = services_.memory;
    if (!memory.is_tight() || (!is_persistent && !memory.is_exhausted())) return true;
    const std::size_t will_bytes = open.connect.will ? open.connect.will->payload.size() : 0;
    const std::uint64_t wanted = session::MemoryBudget::session_bytes + open.client_id.size() + will_bytes;
    std::uint64_t freed = 0;
    while (freed < wanted) {
        const std::uint64_t bytes = end_for_memory(&newcomer, now);
        if (bytes == 0) break;
        freed += bytes;
    }
    return freed >= wanted || (!memory.is_exhausted() && newcomer.table_bytes < memory.table_share());
}

std::uint64_t Lifecycle::end_for_memory(const Account* newcomer, Instant now) {
    const std::uint64_t share = services_.memory.table_share();
    Account* largest = services_.accounts.largest([&](const Account& account) -> std::uint64_t {
        if (account.longest_away == nullptr || account.table_bytes < share) return 0;
        // An owner below the newcomer's need not give memory to it.
        const bool may_give =
            newcomer == nullptr || &account == newcomer || account.table_bytes > newcomer->table_bytes;
        return may_give ? account.table_bytes : 0;
    });
    Session* session = largest == nullptr ? nullptr : largest->longest_away_empty();
    if (session == nullptr) return 0;
    const std::uint64_t bytes = session->table_bytes();  // the session does not exist any more after the next line
    end_for_another(*session, "memory.budget_bytes", now);
    return bytes;
}

// Ends the session and logs this, with at most one line in log_interval.
void Lifecycle::end_for_another(Session& session, std::string_view limit, Instant now) {
    LEDGE_ASSERT(!session.is_online() && session.account() != nullptr);
    constexpr Duration log_interval = 10s;
    ++services_.counters.sessions_evicted;
    // Counts all sessions since the last line, because most of them get no line of their own.
    ++unlogged_sessions_;
    if (now >= next_log_at_) {
        next_log_at_ = now + log_interval;
        services_.log.warning("session_gave_way", {{"client_id", session.client_id()},
                                                   {"owner", session.account()->name},
                                                   {"owner_sessions", session.account()->sessions},
                                                   {"owner_bytes", session.account()->table_bytes},
                                                   {"limit", limit},
                                                   {"sessions", std::exchange(unlogged_sessions_, 0)}});
    }
    end(session, now);
}

}  // namespace ledge::broker
