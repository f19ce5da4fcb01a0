// The age of the oldest message of a queue, from points of row and time.
#include "ledge/bridge/queue_age.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>

namespace ledge::bridge {
namespace {

constexpr Instant age_start{1h};

TEST_CASE("an empty queue has no age") {
    QueueAge age;
    CHECK(age.age_of(0, age_start).age == Duration::zero());
    age.note(7, 0, age_start);
    CHECK(age.age_of(0, age_start).age == Duration::zero());
}

TEST_CASE("rows between two points are dated by interpolation") {
    QueueAge age;
    age.note(100, 0, age_start);
    age.note(110, 101, age_start + 10s);
    CHECK(age.age_of(110, age_start + 10s).age == 0s);
    CHECK(age.age_of(105, age_start + 10s).age == 5s);
    CHECK(age.age_of(101, age_start + 10s).age == 9s);
    CHECK_FALSE(age.age_of(101, age_start + 10s).is_minimum);
    CHECK(age.age_of(105, age_start + 1min).age == 55s);
}

TEST_CASE("a row that comes after a long pause is not dated back into the pause") {
    QueueAge age;
    age.note(100, 0, age_start);
    for (int i = 1; i <= 360; ++i) age.note(100, 0, age_start + i * 10s);
    age.note(101, 101, age_start + 1h + 1s);
    CHECK(age.age_of(101, age_start + 1h + 1s).age <= 1s);
    // The same while an older message waits.
    for (int i = 1; i <= 360; ++i) age.note(101, 101, age_start + 1h + i * 10s);
    age.note(111, 101, age_start + 2h + 10s);
    CHECK(age.age_of(102, age_start + 2h + 10s).age <= 10s);
    CHECK(age.age_of(101, age_start + 2h + 10s).age >= 1h);
}

TEST_CASE("messages from before the start are at least as old as the start, and the figure says so") {
    QueueAge age;
    age.note(500, 301, age_start);
    age.note(510, 301, age_start + 30s);
    CHECK(age.age_of(301, age_start + 30s).age == 30s);
    CHECK(age.age_of(301, age_start + 30s).is_minimum);
    CHECK(age.age_of(500, age_start + 30s).is_minimum);
    CHECK_FALSE(age.age_of(501, age_start + 30s).is_minimum);
}

TEST_CASE("a session that was made again begins a new count") {
    QueueAge age;
    age.note(500, 301, age_start);
    age.note(0, 0, age_start + 10s);
    age.note(4, 1, age_start + 20s);
    CHECK(age.age_of(4, age_start + 20s).age == 0s);
    CHECK(age.age_of(1, age_start + 20s).age < 10s);
    CHECK_FALSE(age.age_of(1, age_start + 20s).is_minimum);
}

TEST_CASE("days offline: the memory is bounded, and each age is right to a quarter, whatever the rate does") {
    QueueAge age;
    age.note(1000, 0, age_start);
    // Row 1000 + n came at second n, but every other hour only one message a minute comes.
    const auto row_at = [](std::uint64_t second) {
        const std::uint64_t hours = second / 3600;
        const std::uint64_t rest = second % 3600;
        const std::uint64_t full = (hours + 1) / 2 * 3600 + hours / 2 * 60;
        return 1000 + full + (hours % 2 == 0 ? rest : rest / 60);
    };
    constexpr std::uint64_t days = 3 * 86'400;
    for (std::uint64_t second = 1; second <= days; second += 2)
        age.note(row_at(second), 1001, age_start + std::chrono::seconds(second));
    const Instant now = age_start + std::chrono::seconds(days - 1);
    for (const std::uint64_t second : {1U, 100U, 7200U, 80'000U, 200'000U, 250'000U, 259'000U}) {
        CAPTURE(second);
        const double truth = static_cast<double>(days - 1 - second);
        const auto got = std::chrono::duration<double>(age.age_of(row_at(second), now).age).count();
        CHECK(std::abs(got - truth) <= std::max(60.0, truth / 4));
    }
}

}  // namespace
}  // namespace ledge::bridge
