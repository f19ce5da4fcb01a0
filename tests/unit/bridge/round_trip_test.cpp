// How long an upstream takes to answer: which packet is timed, the mean, and the maximum of the last minutes.
#include "ledge/bridge/round_trip.hpp"

#include <doctest/doctest.h>

namespace ledge::bridge {
namespace {

constexpr Instant trip_start{1h};

TEST_CASE("nothing is told before the first answer") {
    RoundTrip trip;
    trip.on_sent(1, trip_start);
    CHECK_FALSE(trip.mean().has_value());
    CHECK_FALSE(trip.max(trip_start).has_value());
}

TEST_CASE("one message at a time is timed, and the others cost nothing") {
    RoundTrip trip;
    trip.on_sent(1, trip_start);
    trip.on_sent(2, trip_start + 5ms);
    trip.on_answer(2, trip_start + 6ms);
    CHECK_FALSE(trip.mean().has_value());
    trip.on_answer(1, trip_start + 20ms);
    CHECK(trip.mean() == 20ms);
    trip.on_answer(1, trip_start + 90ms);  // PUBREC again
    CHECK(trip.mean() == 20ms);
}

TEST_CASE("the mean follows with an eighth of each difference, and the maximum stays") {
    RoundTrip trip;
    trip.on_answer_since(trip_start, trip_start + 80ms);
    trip.on_answer_since(trip_start + 1s, trip_start + 1s);
    CHECK(trip.mean() == 70ms);
    CHECK(trip.max(trip_start + 1s) == 80ms);
}

TEST_CASE("the maximum is forgotten after one to two minutes") {
    RoundTrip trip;
    trip.on_answer_since(trip_start, trip_start + 80ms);
    trip.on_answer_since(trip_start + 50s, trip_start + 50s + 10ms);
    CHECK(trip.max(trip_start + 59s) == 80ms);
    trip.on_answer_since(trip_start + 70s, trip_start + 70s + 20ms);
    CHECK(trip.max(trip_start + 100s) == 80ms);
    trip.on_answer_since(trip_start + 140s, trip_start + 140s + 5ms);
    CHECK(trip.max(trip_start + 141s) == 20ms);
    CHECK_FALSE(trip.max(trip_start + 10min).has_value());
    CHECK(trip.mean().has_value());
}

TEST_CASE("a message that is unanswered when the connection ends is timed no more") {
    RoundTrip trip;
    trip.on_sent(1, trip_start);
    trip.on_end();
    trip.on_sent(1, trip_start + 1h);
    trip.on_answer(1, trip_start + 1h + 30ms);
    CHECK(trip.mean() == 30ms);
}

}  // namespace
}  // namespace ledge::bridge
