#include "relief.hpp"

#include <algorithm>

namespace ledge::broker {

using session::Connection;
using session::Pressure;

void Relief::judge(std::size_t sessions, const Connection* busy) {
    session::MemoryBudget& memory = environment_.memory;
    report(memory.judge(std::max<std::size_t>(sessions, connections_.count())));
    if (memory.excess() == 0) return;
    disconnect_slowest(busy);
    report(memory.judge(std::max<std::size_t>(sessions, connections_.count())));
}

// Once for each step of an episode, not for each time it is taken.
void Relief::report(Pressure pressure) {
    const session::MemoryBudget& memory = environment_.memory;
    if (pressure > worst_)
        environment_.log.warning("memory_pressure", {{"step", name_of(pressure)},
                                                     {"used_bytes", memory.used()},
                                                     {"budget_bytes", memory.budget()},
                                                     {"connections", connections_.count()}});
    if (pressure == Pressure::none && worst_ != Pressure::none)
        environment_.log.info("memory_pressure_ended", {{"used_bytes", memory.used()}});
    worst_ = pressure == Pressure::none ? pressure : std::max(worst_, pressure);
}

// What their sessions hold is free at the end of the turn only; it is counted as if it were already.
void Relief::disconnect_slowest(const Connection* busy) {
    victims_.clear();
    connections_.for_each([&](Connection& connection) {
        if (&connection == busy || connection.is_closing()) return;
        const std::uint64_t bytes = connection.memory();
        if (bytes >= victim_bytes_min) victims_.push_back({bytes, &connection});
    });
    std::ranges::sort(victims_, std::ranges::greater{}, &Victim::bytes);
    const std::uint64_t excess = environment_.memory.excess();
    std::uint64_t freed = 0;
    for (const Victim& victim : victims_) {
        if (freed >= excess) break;
        freed += victim.bytes;
        victim.connection->shed();
    }
}

}  // namespace ledge::broker
