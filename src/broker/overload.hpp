// Overload: frees memory when the process comes near its memory budget. MemoryBudget decides how much must be freed,
// this class frees it. Owned by the shard; on the shard's thread.
//
//     step  who gives memory back                                      what is lost
//     1     peers without an accepted CONNECT: unfinished packets      nothing
//     2     sessions: messages in memory that the store has too        nothing; they are read again
//     3     the connections that hold most: they are closed            their QoS 0 messages, and clean sessions
//     4     sessions that are offline and empty, of owners with more   their subscriptions
//           than MemoryBudget::table_share(): they end
//     5     sessions: messages that only memory has                    these messages
//
// Each step begins with the largest holder of the owner that holds most (victims.hpp). The next step comes only if the
// freed memory is not enough. Step 1 is also done when the unfinished packets alone exceed their share of the budget.
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
    /// A connection or session that holds less is left alone: the gain would be small, and many would be needed.
    static constexpr std::uint64_t victim_bytes_min = 4 * session::MemoryBudget::share_bytes_min;
    /// Sessions that end in one call at most. The next call continues.
    static constexpr std::uint32_t ended_at_once_max = 1000;

    struct Services {
        const Log& log;
        session::MemoryBudget& memory;
    };

    Overload(const Services& services, Connections& connections, Lifecycle& lifecycle)
        : services_(services), connections_(connections), lifecycle_(lifecycle) {}

    /// True when judge() may have to act. Cheap enough to be called for each message: two comparisons.
    bool must_judge() const { return services_.memory.must_judge() || services_.memory.unauthenticated_exceed(); }
    /// Determines the memory pressure, and frees memory if the pressure requires it: then O(sessions). `busy` is the
    /// connection whose packet is being processed, or nullptr; it is left alone.
    void judge(const session::Connection* busy, Instant now);

private:
    std::uint64_t refuse_unauthenticated(std::uint64_t wanted, Instant now);
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
    session::Pressure worst_ = session::Pressure::none;  // of the present episode of pressure
    Instant next_log_at_ = Instant::min();               // of the line about refused peers
    std::uint64_t unlogged_refusals_ = 0;                // refused since that line
};

}  // namespace ledge::broker
