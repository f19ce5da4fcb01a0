// Time as an argument. No module from base to broker reads a clock; the caller passes an Instant. Stateless.
#pragma once

#include <chrono>
#include <cstdint>

namespace ledge {

/// Monotonic time with an arbitrary origin. The clock has no now() on purpose: only runtime/clock reads a real clock.
struct LogicalClock {
    using duration = std::chrono::microseconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<LogicalClock, duration>;
    static constexpr bool is_steady = true;
};

using Duration = LogicalClock::duration;
using Instant = LogicalClock::time_point;

/// Later than every other Instant: a deadline that is not reached.
inline constexpr Instant never = Instant::max();

using namespace std::chrono_literals;

/// Returns `start + seconds`, or `never` when the sum would be too large for an Instant.
inline Instant add_seconds(Instant start, std::int64_t seconds) {
    // Half of the range: the addition below cannot overflow for a `start` in the lower half, as every real time is.
    constexpr std::int64_t limit =
        std::chrono::duration_cast<std::chrono::seconds>(Instant::max().time_since_epoch()).count() / 2;
    if (start == never || seconds > limit) return never;
    return start + std::chrono::seconds(seconds);
}

/// Returns the whole seconds from `now` to `deadline`, rounded up; 0 when the deadline has passed.
inline std::int64_t seconds_until(Instant deadline, Instant now) {
    if (deadline <= now) return 0;
    return std::chrono::ceil<std::chrono::seconds>(deadline - now).count();
}

}  // namespace ledge
