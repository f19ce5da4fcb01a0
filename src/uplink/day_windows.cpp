#include "day_windows.hpp"

#include <algorithm>

#include "ledge/base/assert.hpp"

namespace ledge::uplink {

using std::chrono::minutes;

namespace {

constexpr auto day = std::chrono::hours(24);

std::chrono::system_clock::duration time_of_day(std::chrono::system_clock::time_point time) {
    return time - std::chrono::floor<std::chrono::days>(time);
}

}  // namespace

bool is_in_window(const std::vector<DayWindow>& windows, std::chrono::system_clock::time_point time) {
    const auto now = time_of_day(time);
    return windows.empty() || std::any_of(windows.begin(), windows.end(), [&](const DayWindow& window) {
               const bool is_begun = now >= minutes(window.begin_minute);
               const bool is_ended = now >= minutes(window.end_minute);
               // A window over midnight has an evening and a morning.
               if (window.end_minute <= window.begin_minute) return is_begun || !is_ended;
               return is_begun && !is_ended;
           });
}

Duration until_next_boundary(const std::vector<DayWindow>& windows, std::chrono::system_clock::time_point time) {
    LEDGE_ASSERT(!windows.empty());
    const auto now = time_of_day(time);
    std::chrono::system_clock::duration next = day;
    for (const DayWindow& window : windows) {
        for (const std::uint16_t minute : {window.begin_minute, window.end_minute}) {
            const std::chrono::system_clock::duration boundary = minutes(minute);
            next = std::min(next, boundary > now ? boundary - now : boundary + day - now);
        }
    }
    return std::chrono::duration_cast<Duration>(next);
}

}  // namespace ledge::uplink
