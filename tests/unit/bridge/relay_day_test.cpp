// One day of a gateway in virtual time. Its devices publish all day, people send commands all day, and the upstream is
// away for most of it.
#include <algorithm>
#include <map>
#include <string>

#include "relay_rig.hpp"
#include "relay_world.hpp"

namespace ledge::bridge {
namespace {

constexpr Duration step = 10ms;
constexpr Duration telemetry_interval = 5s;  // of all devices together
constexpr Duration command_interval = 60s;
constexpr int devices = 4;  // those with an even number publish with QoS 1, the others with QoS 2
constexpr std::size_t payload_bytes = 100;
constexpr std::int64_t relay_bytes_max = 160 * 1024;  // nine sets of packet ids are half of it

/// A message's number, filled up to the size of a payload.
std::string payload_of(int number) {
    std::string text = std::to_string(number);
    return text + std::string(payload_bytes - text.size(), ' ');
}

class Day {
public:
    explicit Day(std::uint64_t seed, wire::Version version) : world(seed, {.version = version}) {}

    /// Time passes up to this hour of the day. While no bytes are on the way, the time jumps to the next event.
    void runs_until(Duration hour) {
        while (world.now < begin_ + hour) {
            const Instant next = std::min({next_telemetry_, next_command_, world.relay->next_deadline()});
            const bool may_jump = world.is_quiet() || (world.is_away && world.relay->is_closed());
            world.step(may_jump && next > world.now ? next - world.now : step);
            publishes();
        }
    }

    /// Runs on until messages of both directions are without an answer, so that an outage cuts exchanges.
    void runs_into_exchanges() {
        for (int n = 0; n < 1'000'000; ++n) {
            if (world.relay->oldest_unanswered() && world.remote.queued() > 0) return;
            runs_until(world.now - begin_ + step);
        }
        FAIL("no exchange was open");
    }

    /// Runs on until both queues are empty.
    void drains() {
        for (int n = 0; n < 10'000'000 && !world.is_quiet(); ++n) world.step(step);
        CHECK(world.is_quiet());
    }

    void restarts_gateway() { world.restarts(); }

    RelayWorld world;
    int telemetry = 0;  // messages so far
    int commands = 0;

private:
    static QoS qos_of(int topic) { return topic % 2 == 0 ? qos1 : qos2; }

    void publishes() {
        for (; next_telemetry_ <= world.now; next_telemetry_ += telemetry_interval, ++telemetry) {
            const int device = telemetry % devices;
            world.inner.queue("plant/" + std::to_string(device), payload_of(telemetry), qos_of(device));
        }
        for (; next_command_ <= world.now; next_command_ += command_interval, ++commands) {
            const int topic = commands % devices;
            world.remote.queue("site/cmd/" + std::to_string(topic), payload_of(commands), qos_of(topic));
        }
    }

    const Instant begin_ = world.now;
    Instant next_telemetry_ = begin_;
    Instant next_command_ = begin_;
};

/// Every message has arrived, those of a topic in order; of QoS 2 once.
void check_all_arrived(const std::vector<ModelBroker::Arrival>& arrivals, const std::string& prefix, int count) {
    std::map<int, int> last;  // the largest number of each topic
    int first_arrivals = 0;
    for (const auto& one : arrivals) {
        REQUIRE(one.topic.starts_with(prefix));
        const int number = std::stoi(one.payload);
        const int topic = number % devices;
        REQUIRE(one.topic == prefix + std::to_string(topic));
        REQUIRE(one.payload == payload_of(number));
        const int expected = last.contains(topic) ? last[topic] + devices : topic;
        const bool is_repetition = number < expected && topic % 2 == 0;
        if (is_repetition) continue;
        REQUIRE(number == expected);
        last[topic] = number;
        ++first_arrivals;
    }
    CHECK(first_arrivals == count);
}

void live_a_day(std::uint64_t seed, wire::Version version) {
    CAPTURE(seed);
    Day day(seed, version);
    RelayWorld& world = day.world;
    day.runs_until(2h);
    day.runs_into_exchanges();
    world.is_silent = world.is_away = true;  // the line is dead, and nobody is told
    day.runs_until(14h);
    CHECK(world.relay->is_closed());  // keep alive has found out
    CHECK(world.inner.queued() > 8'000);
    world.is_silent = world.is_away = false;
    for (int cut = 1; cut <= 60; ++cut) {  // the line comes back, but it is bad, and the backlog has begun to leave
        day.runs_until(14h + cut * 1s);
        world.cuts();
    }
    CHECK(world.inner.queued() > 1'000);
    world.is_away = true;
    day.runs_until(18h);
    day.restarts_gateway();
    day.runs_until(22h);
    CHECK(world.inner.queued() > 4'000);
    world.is_away = false;
    day.runs_until(24h);
    day.drains();

    for (const std::string& complaint : world.inner.complaints) FAIL_CHECK("to the local broker: " << complaint);
    for (const std::string& complaint : world.remote.complaints) FAIL_CHECK("to the upstream: " << complaint);
    CHECK(day.telemetry == 24h / telemetry_interval + 1);
    check_all_arrived(world.remote.arrivals, "site/plant/", day.telemetry);
    check_all_arrived(world.inner.arrivals, "cmd/", day.commands);
    CHECK(world.relay_bytes_most < relay_bytes_max);
}

TEST_CASE("after a day with two long outages and a restart every message is at the other end, QoS 2 once, in order") {
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        live_a_day(seed, v5);
        live_a_day(seed, v311);
    }
}

}  // namespace
}  // namespace ledge::bridge
