#include "ledge/runtime/clock.hpp"

namespace ledge::runtime {

Instant read_clock() {
    return Instant(std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch()));
}

std::chrono::system_clock::time_point read_wall_clock() { return std::chrono::system_clock::now(); }

std::chrono::steady_clock::time_point to_steady(Instant instant) {
    using Steady = std::chrono::steady_clock;
    constexpr auto latest = std::chrono::duration_cast<Duration>(Steady::duration::max());
    if (instant.time_since_epoch() >= latest) return Steady::time_point::max();
    return Steady::time_point(std::chrono::duration_cast<Steady::duration>(instant.time_since_epoch()));
}

}  // namespace ledge::runtime
