#include "ledge/base/time.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>

using namespace ledge;

namespace {
constexpr Instant start{Duration(5'000'000)};
}

TEST_CASE("add_seconds adds seconds and saturates at never") {
    CHECK(add_seconds(start, 0) == start);
    CHECK(add_seconds(start, 60) == start + 60s);
    CHECK(add_seconds(start, -5) == start - 5s);
    CHECK(add_seconds(start, 0xFFFFFFFF) ==
          start + std::chrono::seconds(0xFFFFFFFF));  // the longest interval on the wire
    CHECK(add_seconds(start, std::numeric_limits<std::int64_t>::max()) == never);
    CHECK(add_seconds(never, 1) == never);
    CHECK(add_seconds(never, 0) == never);
}

TEST_CASE("seconds_until rounds up and does not go below zero") {
    CHECK(seconds_until(start, start) == 0);
    CHECK(seconds_until(start, start + 10s) == 0);
    CHECK(seconds_until(start + 1us, start) == 1);
    CHECK(seconds_until(start + 1s, start) == 1);
    CHECK(seconds_until(start + 1s + 1us, start) == 2);
}
