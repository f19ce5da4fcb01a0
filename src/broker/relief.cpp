#include "relief.hpp"

#include <algorithm>

namespace ledge::broker {

using session::Connection;
using session::Pressure;

void Relief::judge(const Connection* busy) {
    session::MemoryBudget& memory = environment_.memory;
    const auto clients = [this] { return std::max<std::size_t>(sessions_.size(), connections_.count()); };
    report(memory.judge(clients()));
    if (memory.excess() == 0) return;
    disconnect_slowest(busy);
    report(memory.judge(clients()));
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

void Relief::collect_victims(const Connection* busy) {
    victims_.clear();
    connections_.for_each([&](Connection& connection) {
        if (&connection == busy || connection.is_closing()) return;
        const std::uint64_t bytes = connection.memory();
        if (bytes >= victim_bytes_min) victims_.push_back({bytes, &connection, nullptr});
    });
    sessions_.for_each([&](session::Session& session) {
        const std::uint64_t bytes = session.is_online() ? 0 : session.memory();
        if (bytes >= victim_bytes_min) victims_.push_back({bytes, nullptr, &session});
    });
    std::ranges::sort(victims_, std::ranges::greater{}, &Victim::bytes);
}

// What ends with a connection is free at the end of the turn only; it is counted as if it were already.
void Relief::disconnect_slowest(const Connection* busy) {
    collect_victims(busy);
    const std::uint64_t excess = environment_.memory.excess();
    std::uint64_t freed = 0;
    for (const Victim& victim : victims_) {
        if (freed >= excess) break;
        freed += victim.bytes;
        if (victim.connection != nullptr)
            victim.connection->shed();
        else
            victim.session->give_way();
    }
}

}  // namespace ledge::broker
