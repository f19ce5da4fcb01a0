#include "ledge/runtime/clock.hpp"

#include <doctest/doctest.h>

namespace ledge::runtime {
namespace {

TEST_CASE("the clock never goes back and names the steady clock's time") {
    const Instant first = read_clock();
    const auto steady = std::chrono::steady_clock::now();
    const Instant second = read_clock();
    CHECK(first <= second);
    CHECK(to_steady(first) <= steady);
    CHECK(steady - to_steady(second) < Duration(1));  // the clock counts whole microseconds
}

TEST_CASE("never stays never") { CHECK(to_steady(never) == std::chrono::steady_clock::time_point::max()); }

TEST_CASE("a deadline has come when the steady clock has reached it, not a moment earlier") {
    const Instant deadline(std::chrono::microseconds(1'234'567));
    CHECK(to_steady(deadline).time_since_epoch() == std::chrono::nanoseconds(1'234'567'000));
}

}  // namespace
}  // namespace ledge::runtime
