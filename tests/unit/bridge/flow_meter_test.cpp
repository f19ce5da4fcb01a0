// Rates of a queue and the time until it is full or empty, in virtual time.
#include "ledge/bridge/flow_meter.hpp"

#include <doctest/doctest.h>

#include <cmath>

namespace ledge::bridge {
namespace {

constexpr std::uint64_t flow_message_bytes = 100;

double seconds_in(const std::optional<Duration>& duration) {
    REQUIRE(duration.has_value());
    return std::chrono::duration<double>(*duration).count();
}

/// A queue that gets and loses messages at constant rates.
class FlowingQueue {
public:
    explicit FlowingQueue(FlowCapacity capacity) : meter(capacity) {
        reading.is_connected = true;
        meter.note(reading, now);
    }

    /// `arriving` and `served`: messages per second, whole numbers.
    void passes(int whole_seconds, std::uint64_t arriving, std::uint64_t served) {
        for (int i = 0; i < whole_seconds; ++i) {
            now += 1s;
            change(arriving, served);
            meter.note(reading, now);
        }
    }

    void change(std::uint64_t arriving, std::uint64_t served) {
        reading.arrived_messages += arriving;
        reading.messages = reading.messages + arriving - served;
        reading.waiting_messages = reading.messages;
        reading.arrived_bytes += arriving * flow_message_bytes;
        reading.waiting_bytes = reading.bytes = reading.messages * flow_message_bytes;
    }

    FlowReading reading;
    Instant now{1h};
    FlowMeter meter;
};

TEST_CASE("steady state: both rates are told from the first reading on, and there is no time to full or empty") {
    FlowingQueue queue({1000, 0});
    queue.passes(1, 20, 20);
    CHECK(queue.meter.figures().arrival_messages_per_s == doctest::Approx(20));
    queue.passes(600, 20, 20);
    const FlowFigures figures = queue.meter.figures();
    CHECK(figures.arrival_messages_per_s == doctest::Approx(20).epsilon(0.001));
    CHECK(figures.service_messages_per_s == doctest::Approx(20).epsilon(0.001));
    CHECK(figures.arrival_bytes_per_s == doctest::Approx(2000).epsilon(0.001));
    CHECK(figures.service_bytes_per_s == doctest::Approx(2000).epsilon(0.001));
    CHECK(figures.is_judged);
    CHECK_FALSE(figures.time_to_full.has_value());
    CHECK_FALSE(figures.time_to_empty.has_value());
}

TEST_CASE("a burst fades with a time constant of a minute") {
    FlowingQueue queue({1000, 0});
    queue.passes(600, 0, 0);
    queue.passes(1, 60, 60);
    CHECK(queue.meter.figures().arrival_messages_per_s == doctest::Approx(1).epsilon(0.01));
    queue.passes(60, 0, 0);
    CHECK(queue.meter.figures().arrival_messages_per_s == doctest::Approx(std::exp(-1.0)).epsilon(0.01));
}

TEST_CASE("a long gap between two readings counts as one interval of that length") {
    FlowingQueue queue({0, 0});
    queue.passes(60, 10, 10);
    queue.now += 1h;
    queue.change(3600, 3600);
    queue.meter.note(queue.reading, queue.now);
    CHECK(queue.meter.figures().arrival_messages_per_s == doctest::Approx(1).epsilon(0.001));
    queue.meter.note(queue.reading, queue.now);  // no time has passed
    CHECK(queue.meter.figures().arrival_messages_per_s == doctest::Approx(1).epsilon(0.001));
}

TEST_CASE("offline the service rate is 0, and the time to full is that of a hand-computed example") {
    FlowingQueue queue({1000, 0});
    queue.reading.is_connected = false;
    queue.passes(20, 10, 0);
    const FlowFigures figures = queue.meter.figures();
    CHECK(figures.service_messages_per_s == 0);
    CHECK(figures.arrival_messages_per_s == doctest::Approx(10).epsilon(0.001));
    // 200 of 1,000 wait, and 10 come in a second: (1000 - 200) / 10
    CHECK(seconds_in(figures.time_to_full) == doctest::Approx(80).epsilon(0.001));
    CHECK_FALSE(figures.time_to_empty.has_value());
}

TEST_CASE("the smaller time of messages and bytes counts") {
    // 2,000 of 10,000 bytes wait after 20 s, and 100 come in a second: 80 s. For messages it would be 998,000 s.
    FlowingQueue queue({1'000'000, 10'000});
    queue.reading.is_connected = false;
    queue.passes(20, 1, 0);
    CHECK(seconds_in(queue.meter.figures().time_to_full) == doctest::Approx(80).epsilon(0.001));
}

TEST_CASE("arrivals and service together: the difference of both rates fills or empties the queue") {
    FlowingQueue queue({1000, 0});
    queue.passes(100, 15, 10);
    // 500 wait; (1000 - 500) / (15 - 10)
    CHECK(seconds_in(queue.meter.figures().time_to_full) == doctest::Approx(100).epsilon(0.001));
    queue.passes(600, 1, 1);
    queue.passes(10, 1, 11);
    const FlowFigures figures = queue.meter.figures();
    CHECK_FALSE(figures.time_to_full.has_value());
    // 400 are left. The service rate is 1 + 10 * (1 - exp(-10 / 60)), so it exceeds the arrivals by 1.535.
    CHECK(seconds_in(figures.time_to_empty) == doctest::Approx(400 / (10 * (1 - std::exp(-1.0 / 6)))).epsilon(0.01));
}

TEST_CASE("the times are not told before ten seconds of the present connection") {
    FlowingQueue queue({1000, 0});
    queue.reading.is_connected = false;
    queue.passes(9, 10, 0);
    CHECK_FALSE(queue.meter.figures().time_to_full.has_value());
    queue.passes(1, 10, 0);
    CHECK(queue.meter.figures().time_to_full.has_value());
    queue.passes(20, 10, 0);
    queue.reading.is_connected = true;
    queue.passes(10, 10, 20);
    CHECK_FALSE(queue.meter.figures().is_judged);
    CHECK_FALSE(queue.meter.figures().time_to_empty.has_value());
    queue.passes(1, 10, 20);
    CHECK(queue.meter.figures().is_judged);
    CHECK(queue.meter.figures().service_messages_per_s == doctest::Approx(20).epsilon(0.001));
    CHECK(queue.meter.figures().time_to_empty.has_value());
}

TEST_CASE("what leaves by overflow or expiry is not served, and a full queue says 0 seconds") {
    FlowingQueue queue({100, 0});
    queue.reading.is_connected = false;
    queue.passes(20, 5, 0);
    CHECK(seconds_in(queue.meter.figures().time_to_full) == 0);
    // The oldest make room for the newest.
    queue.reading.is_connected = true;
    for (int i = 0; i < 20; ++i) {
        queue.reading.removed_messages += 5;
        queue.reading.removed_bytes += 500;
        queue.reading.overflows += 5;
        queue.reading.arrived_messages += 5;
        queue.reading.arrived_bytes += 500;
        queue.now += 1s;
        queue.meter.note(queue.reading, queue.now);
    }
    CHECK(queue.meter.figures().service_messages_per_s == 0);
    CHECK(queue.meter.figures().service_bytes_per_s == 0);
    CHECK(seconds_in(queue.meter.figures().time_to_full) == 0);
    // A queue that refuses all arrivals is full although nothing arrives any more.
    for (int i = 0; i < 600; ++i) {
        ++queue.reading.overflows;
        queue.passes(1, 0, 0);
    }
    CHECK(seconds_in(queue.meter.figures().time_to_full) == 0);
    queue.passes(5, 0, 5);
    CHECK_FALSE(queue.meter.figures().time_to_full.has_value());
}

TEST_CASE("while nothing waits behind the messages under way, there is no time to full") {
    FlowingQueue queue({100, 0});
    queue.passes(20, 5, 4);
    queue.reading.waiting_messages = queue.reading.waiting_bytes = 0;
    queue.now += 1s;
    queue.meter.note(queue.reading, queue.now);
    CHECK_FALSE(queue.meter.figures().time_to_full.has_value());
}

TEST_CASE("a session that was made again begins a new observation") {
    FlowingQueue queue({1000, 0});
    queue.passes(60, 10, 10);
    queue.reading = {};
    queue.reading.is_connected = true;
    queue.now += 1s;
    queue.meter.note(queue.reading, queue.now);
    CHECK(queue.meter.figures().arrival_messages_per_s == 0);
    CHECK_FALSE(queue.meter.figures().is_judged);
}

}  // namespace
}  // namespace ledge::bridge
