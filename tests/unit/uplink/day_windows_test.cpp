#include "day_windows.hpp"

#include <doctest/doctest.h>

namespace ledge::uplink {
namespace {

std::chrono::system_clock::time_point at(int hour, int minute, int second = 0) {
    return std::chrono::sys_days(std::chrono::year(2031) / 3 / 4) + std::chrono::hours(hour) +
           std::chrono::minutes(minute) + std::chrono::seconds(second);
}

TEST_CASE("a window holds from its first minute until before its last, also over midnight") {
    const std::vector<DayWindow> windows = {{720, 750}, {1320, 360}};  // 12:00-12:30, 22:00-06:00
    CHECK(is_in_window({}, at(3, 0)));
    CHECK_FALSE(is_in_window(windows, at(11, 59, 59)));
    CHECK(is_in_window(windows, at(12, 0)));
    CHECK(is_in_window(windows, at(12, 29, 59)));
    CHECK_FALSE(is_in_window(windows, at(12, 30)));
    CHECK(is_in_window(windows, at(22, 0)));
    CHECK(is_in_window(windows, at(0, 0)));
    CHECK(is_in_window(windows, at(5, 59, 59)));
    CHECK_FALSE(is_in_window(windows, at(6, 0)));
}

TEST_CASE("the next boundary is later than now, and may be on the next day") {
    const std::vector<DayWindow> windows = {{720, 750}, {1320, 360}};
    CHECK(until_next_boundary(windows, at(6, 0)) == 6h);
    CHECK(until_next_boundary(windows, at(12, 0)) == 30min);
    CHECK(until_next_boundary(windows, at(12, 29, 59)) == 1s);
    CHECK(until_next_boundary(windows, at(23, 0)) == 7h);
    CHECK(until_next_boundary({{60, 61}}, at(1, 1)) == 23h + 59min);
}

}  // namespace
}  // namespace ledge::uplink
