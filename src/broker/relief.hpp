// Relief: what a shard does when the process comes near its memory budget, in the order of session/memory_budget.
#pragma once

#include <cstdint>
#include <vector>

#include "connections.hpp"
#include "ledge/session/environment.hpp"
#include "session_table.hpp"

namespace ledge::broker {

class Relief {
public:
    static constexpr std::uint64_t victim_bytes_min = 4 * session::MemoryBudget::share_bytes_min;

    Relief(session::Environment& environment, Connections& connections, SessionTable& sessions)
        : environment_(environment), connections_(connections), sessions_(sessions) {}

    /// Decides about the pressure and takes from those for whom most is kept if it has come to that; O(sessions), then.
    /// `busy`: whose packet is being looked at, it is left alone; nullptr: nobody's.
    void judge(const session::Connection* busy);

private:
    struct Victim {
        std::uint64_t bytes = 0;
        session::Connection* connection = nullptr;  // nullptr: its client is away
        session::Session* session = nullptr;
    };

    void collect_victims(const session::Connection* busy);
    void disconnect_slowest(const session::Connection* busy);
    void report(session::Pressure pressure);

    session::Environment& environment_;
    Connections& connections_;
    SessionTable& sessions_;
    std::vector<Victim> victims_;                        // scratch
    session::Pressure worst_ = session::Pressure::none;  // since there was none
};

}  // namespace ledge::broker
