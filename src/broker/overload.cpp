// Overload: the steps that free memory, in the order of the table in overload.hpp.
#include "overload.hpp"

#include <algorithm>
#include <utility>

namespace ledge::broker {

using session::Connection;
using session::Pressure;
using session::Session;

void Overload::judge(const Connection* busy, Instant now) {
    session::MemoryBudget& memory = services_.memory;
    // A client is a session or a connection; most clients are both.
    const auto clients = [this] { return std::max<std::size_t>(lifecycle_.sessions().size(), connections_.count()); };
    if (memory.unauthenticated_exceed()) refuse_unauthenticated(memory.unauthenticated_excess(), now);
    report(memory.judge(clients()));
    if (memory.excess() == 0) return;
    free_memory(busy, now);
    // Judged again, so that the log shows the state after the memory was freed.
    report(memory.judge(clients()));
}

// A closed connection frees its memory only at the end of the turn. Its bytes are counted as freed here nevertheless,
// so that no further holders are chosen in their place.
void Overload::free_memory(const Connection* busy, Instant now) {
    const std::uint64_t excess = services_.memory.excess();
    std::uint64_t freed = refuse_unauthenticated(excess, now);
    if (freed < excess) freed += unload_stored(excess - freed);
    if (freed < excess) freed += disconnect_largest(excess - freed, busy);
    if (freed < excess) freed += end_empty_sessions(excess - freed, now);
    if (freed < excess) drop_unstored(excess - freed, busy);
}

// Logs each step once in an episode of pressure, however often it is reached.
void Overload::report(Pressure pressure) {
    const session::MemoryBudget& memory = services_.memory;
    // Only a worse step is logged.
    if (pressure > worst_)
        services_.log.warning("memory_pressure", {{"step", name_of(pressure)},
                                                  {"used_bytes", memory.used()},
                                                  {"budget_bytes", memory.budget()},
                                                  {"connections", connections_.count()}});
    if (pressure == Pressure::none && worst_ != Pressure::none)
        services_.log.info("memory_pressure_ended", {{"used_bytes", memory.used()}});
    worst_ = pressure == Pressure::none ? pressure : std::max(worst_, pressure);
}

// Step 1. Strangers are peers without an accepted CONNECT; they count for the network of their address.
std::uint64_t Overload::refuse_unauthenticated(std::uint64_t wanted, Instant now) {
    constexpr Duration log_interval = 10s;
    const session::MemoryBudget& memory = services_.memory;
    if (memory.unauthenticated() == 0) return 0;
    connections_by_owner_.clear();
    connections_.for_each([&](Connection& connection) {
        if (!connection.is_unauthenticated() || connection.is_closing() || connection.input_memory() == 0) return;
        connections_by_owner_.add(owner_of({}, network_of(connection.peer().address)), connection.input_memory(),
                                  connection);
    });
    const std::uint64_t before = memory.unauthenticated();
    const Connection* last = nullptr;
    const std::uint64_t freed = connections_by_owner_.free_bytes(wanted, [&](Connection& connection) {
        connection.refuse_unfinished();
        ++unlogged_refusals_;
        last = &connection;
    });
    if (last == nullptr || now < next_log_at_) return freed;
    next_log_at_ = now + log_interval;
    services_.log.warning("strangers_refused",
                          {{"connections", std::exchange(unlogged_refusals_, 0)},
                           {"address", last->peer().address},
                           {"unfinished_bytes", before},
                           {"limit_bytes", memory.unauthenticated_max()},
                           {"reason", "packets of peers without an accepted CONNECT exceed their share of the budget"},
                           {"limit", "memory.budget_bytes"}});
    return freed;
}

// Step 2.
std::uint64_t Overload::unload_stored(std::uint64_t wanted) {
    sessions_by_owner_.clear();
    lifecycle_.sessions().for_each([&](Session& session) {
        const std::uint64_t bytes = session.queue().unloadable_bytes();
        // Small holders are left alone: each of them frees little, and the list of victims would become long.
        if (bytes >= victim_bytes_min) sessions_by_owner_.add(session.account()->id, bytes, session);
    });
    return sessions_by_owner_.free_bytes(wanted, [](Session& session) { session.queue().unload(); });
}

// Step 3. Connections without a session belong to step 1.
std::uint64_t Overload::disconnect_largest(std::uint64_t wanted, const Connection* busy) {
    connections_by_owner_.clear();
    connections_.for_each([&](Connection& connection) {
        if (&connection == busy || connection.is_closing() || connection.session() == nullptr) return;
        const std::uint64_t bytes = connection.memory();
        if (bytes >= victim_bytes_min)
            connections_by_owner_.add(connection.session()->account()->id, bytes, connection);
    });
    return connections_by_owner_.free_bytes(wanted, [](Connection& connection) { connection.close_for_memory(); });
}

// Step 4.
std::uint64_t Overload::end_empty_sessions(std::uint64_t wanted, Instant now) {
    std::uint64_t freed = 0;
    for (std::uint32_t ended = 0; freed < wanted && ended < ended_at_once_max; ++ended) {
        const std::uint64_t bytes = lifecycle_.end_for_memory(nullptr, now);
        // No session is left that may be ended.
        if (bytes == 0) break;
        freed += bytes;
    }
    return freed;
}

// Step 5. A connected client is disconnected as well, so that it can notice the loss.
std::uint64_t Overload::drop_unstored(std::uint64_t wanted, const Connection* busy) {
    sessions_by_owner_.clear();
    lifecycle_.sessions().for_each([&](Session& session) {
        if (session.connection() != nullptr && session.connection() == busy) return;
        const std::uint64_t bytes = session.queue().unstored_bytes();
        if (bytes >= victim_bytes_min) sessions_by_owner_.add(session.account()->id, bytes, session);
    });
    return sessions_by_owner_.free_bytes(wanted, [](Session& session) {
        if (session.connection() != nullptr) session.connection()->close_for_memory();
        session.queue().drop_unstored();
    });
}

}  // namespace ledge::broker
