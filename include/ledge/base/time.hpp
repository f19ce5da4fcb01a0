// Time as an argument. Nothing in base … broker reads a clock: an Instant comes in from outside.
#pragma once

#include <chrono>
#include <cstdint>

namespace ledge {

/// Monotonic time with an arbitrary origin. Has no now() on purpose: only runtime/clock asks the machine.
struct LogicalClock {
    using duration = std::chrono::microseconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<LogicalClock, duration>;
    static constexpr bool is_steady = true;
};

using Duration = LogicalClock::duration;
using Instant = LogicalClock::time_point;

inline constexpr Instant never = Instant::max();

using namespace std::chrono_literals;

/// `start + seconds`, saturating at `never`.
inline Instant add_seconds(Instant start, std::int64_t seconds) {
    constexpr std::int64_t limit =
        std::chrono::duration_cast<std::chrono::seconds>(Instant::max().time_since_epoch()).count() / 2;
    if (start == never || seconds > limit) return never;
    return start + std::chrono::seconds(seconds);
}

/// Whole seconds from `now` to `deadline`, rounded up; 0 when it has passed.
inline std::int64_t seconds_until(Instant deadline, Instant now) {
    if (deadline <= now) return 0;
    return std::chrono::ceil<std::chrono::seconds>(deadline - now).count();
}

}  // namespace ledge
