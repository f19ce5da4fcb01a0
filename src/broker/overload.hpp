// Overload: what a shard does when the process comes near its memory budget. MemoryBudget judges, this acts:
//
//     step  who gives way                                            what is lost
//     1     peers whose CONNECT is not accepted: unfinished packets  nothing
//     2     sessions: what the store has of their messages           nothing; it is read again
//     3     connections that hold most                               their QoS 0, and clean sessions
//     4     sessions that are away and empty, where their owner      their subscriptions
//           has more than MemoryBudget::table_share()
//     5     sessions with messages that only memory has              those messages
//
// Each step begins with the largest holder of the owner that holds most (victims.hpp), and the next step comes only if
// that was not enough. Step 1 is also done when the unfinished packets alone exceed their share of the budget.
#pragma once

#include <cstdint>

#include "connections.hpp"
#include "ledge/base/log.hpp"
#include "ledge/session/memory_budget.hpp"
#include "lifecycle.hpp"
#include "victims.hpp"

namespace ledge::broker {

class Overload {
public:
    /// Who holds less stays: it would have to be found again, and little would be won.
    static constexpr std::uint64_t victim_bytes_min = 4 * session::MemoryBudget::share_bytes_min;
    /// Sessions that end in one call, at most: the rest at the next one.
    static constexpr std::uint32_t ended_at_once_max = 1000;

    struct Services {
        const Log& log;
        session::MemoryBudget& memory;
    };

    Overload(const Services& services, Connections& connections, Lifecycle& lifecycle)
        : services_(services), connections_(connections), lifecycle_(lifecycle) {}

    /// True when judge() may have to act: a comparison or two, for each message.
    bool wants_attention() const { return services_.memory.wants_attention() || services_.memory.strangers_exceed(); }
    /// Decides about the pressure, and lets holders give way if it has come to that: O(sessions), then.
    /// `busy`: whose packet is being looked at, it is left alone; nullptr: nobody's.
    void judge(const session::Connection* busy, Instant now);

private:
    std::uint64_t refuse_strangers(std::uint64_t wanted, Instant now);
    std::uint64_t unload_stored(std::uint64_t wanted);
    std::uint64_t disconnect_largest(std::uint64_t wanted, const session::Connection* busy);
    std::uint64_t end_empty_sessions(std::uint64_t wanted, Instant now);
    std::uint64_t drop_unstored(std::uint64_t wanted, const session::Connection* busy);
    void free_memory(const session::Connection* busy, Instant now);
    void report(session::Pressure pressure);

    Services services_;
    Connections& connections_;
    Lifecycle& lifecycle_;
    Victims<session::Connection> connections_by_owner_;  // scratch
    Victims<session::Session> sessions_by_owner_;        // scratch
    session::Pressure worst_ = session::Pressure::none;  // since there was none
    Instant next_log_at_ = Instant::min();               // strangers are told of once in a while
    std::uint64_t unlogged_strangers_ = 0;
};

}  // namespace ledge::broker
