// Relief: what a shard does when the process comes near its memory budget, in the order of session/memory_budget.
#pragma once

#include <cstdint>
#include <vector>

#include "connections.hpp"
#include "ledge/session/environment.hpp"

namespace ledge::broker {

class Relief {
public:
    static constexpr std::uint64_t victim_bytes_min = 2 * session::MemoryBudget::share_bytes_min;

    Relief(session::Environment& environment, Connections& connections)
        : environment_(environment), connections_(connections) {}

    /// Decides about the pressure, and disconnects those who hold most if it has come to that. O(connections), then.
    /// `busy`: whose packet is being looked at, it is left alone; nullptr: nobody's. `sessions`: with and without a
    /// connection.
    void judge(std::size_t sessions, const session::Connection* busy);

private:
    struct Victim {
        std::uint64_t bytes = 0;
        session::Connection* connection = nullptr;
    };

    void disconnect_slowest(const session::Connection* busy);
    void report(session::Pressure pressure);

    session::Environment& environment_;
    Connections& connections_;
    std::vector<Victim> victims_;                        // scratch
    session::Pressure worst_ = session::Pressure::none;  // since there was none
};

}  // namespace ledge::broker
