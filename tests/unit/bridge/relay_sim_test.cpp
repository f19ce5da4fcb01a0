// A relay between two model brokers, over links that break at any byte, with processes that die, and an upstream that
// answers late, twice, wrongly or never. The claims: what the relay has acknowledged is at the other end; QoS 2 is
// there exactly once; the order per topic is kept; no packet id has two uses at a time.
#include <algorithm>
#include <set>

#include "relay_rig.hpp"
#include "relay_world.hpp"

namespace ledge::bridge {
namespace {

constexpr int messages = 30;  // in each direction
constexpr int topics = 3;
constexpr int steps_max = 40'000;
constexpr std::uint64_t seeds = 60;

/// Both brokers have messages for each other from the beginning.
void queue_messages(RelayWorld& world, const WorldPlan& plan) {
    for (int n = 0; n < messages; ++n) {
        const std::string topic = std::to_string(n % topics);
        world.inner.queue("plant/" + topic, std::to_string(n), plan.qos);
        world.remote.queue("site/cmd/" + topic, std::to_string(n), plan.qos);
    }
}

/// Runs until all messages have crossed. In the second half nothing breaks and the upstream is honest.
bool run(RelayWorld& world, const WorldPlan& plan) {
    queue_messages(world, plan);
    for (int step = 0; step < steps_max; ++step) {
        const bool may_break = step < steps_max / 2;
        if (!may_break) world.remote.quirks = {.poison = plan.quirks.poison};
        if (step == steps_max / 2) world.cuts();  // answers that never came
        world.is_eager = !may_break;
        world.step(10ms);
        if (may_break && world.rng.one_in(60)) world.breaks();
        const bool is_empty = world.inner.queued() == 0 && world.remote.queued() == 0;
        if (is_empty && (!may_break || world.is_quiet())) return true;
    }
    return false;
}

/// The first arrivals of each payload, per topic in order; and all payloads.
void check_arrivals(const std::vector<ModelBroker::Arrival>& arrivals, const std::string& prefix, bool is_exact,
                    const std::set<int>& missing = {}) {
    std::vector<int> last(topics, -1);
    std::set<int> seen;
    for (const auto& one : arrivals) {
        if (!one.topic.starts_with(prefix)) continue;
        const int number = std::stoi(one.payload);
        const bool is_first = seen.insert(number).second;
        CHECK((is_first || !is_exact));
        if (!is_first) continue;
        int& before = last[static_cast<std::size_t>(number % topics)];
        CHECK(number > before);
        before = number;
    }
    for (const int number : missing) CHECK_FALSE(seen.contains(number));
    CHECK(seen.size() + missing.size() == messages);
}

void check_rules(const RelayWorld& world) {
    for (const std::string& complaint : world.inner.complaints) FAIL_CHECK("to the local broker: " << complaint);
    for (const std::string& complaint : world.remote.complaints) FAIL_CHECK("to the upstream: " << complaint);
}

void run_all(const WorldPlan& plan, bool is_exact) {
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        CAPTURE(seed);
        RelayWorld world(seed, plan);
        REQUIRE(run(world, plan));
        check_rules(world);
        check_arrivals(world.remote.arrivals, "site/plant/", is_exact);
        check_arrivals(world.inner.arrivals, "cmd/", is_exact);
    }
}

TEST_CASE("QoS 2 is exactly once in both directions, although links break and the process dies at any step") {
    run_all({.version = v5, .qos = qos2}, true);
    run_all({.version = v311, .qos = qos2}, true);
}

TEST_CASE("QoS 1 is at least once and in order in both directions") {
    run_all({.version = v5, .qos = qos1}, false);
    run_all({.version = v311, .qos = qos1}, false);
}

TEST_CASE("an upstream that answers late, never, or closes instead: QoS 2 stays exactly once") {
    run_all({.qos = qos2, .quirks = {.late = 2}}, true);
    run_all({.qos = qos2, .quirks = {.never = 10}}, true);
    run_all({.qos = qos2, .quirks = {.closes = 15}}, true);
    run_all({.version = v311, .qos = qos2, .quirks = {.late = 3, .never = 20, .closes = 40}}, true);
}

TEST_CASE("an upstream that answers twice or wrongly ends connections, and nothing is lost or doubled") {
    run_all({.qos = qos2, .quirks = {.twice = 10}}, true);
    run_all({.qos = qos2, .quirks = {.wrong = 25}}, true);
    run_all({.version = v311, .qos = qos1, .quirks = {.twice = 10, .wrong = 25}}, false);
}

TEST_CASE("an upstream that repeats on a live connection: QoS 2 stays exactly once") {
    run_all({.version = v311, .qos = qos2, .quirks = {.repeats = 5}}, true);
    run_all({.version = v311, .qos = qos1, .quirks = {.repeats = 5}}, false);
}

TEST_CASE("an upstream that answers QoS 2 by PUBACK: at least once") {
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        CAPTURE(seed);
        const WorldPlan plan = {.version = v311, .qos = qos2, .quirks = {.lowers_qos2 = true}};
        RelayWorld world(seed, plan);
        REQUIRE(run(world, plan));
        check_rules(world);
        check_arrivals(world.remote.arrivals, "site/plant/", false);
        check_arrivals(world.inner.arrivals, "cmd/", true);
    }
}

TEST_CASE("an upstream that loses its session: outgoing messages arrive at least once, and none is taken for another") {
    int lost = 0;
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        CAPTURE(seed);
        // The process lives, so it knows which ids the local broker must forget.
        const WorldPlan plan = {.qos = qos2, .quirks = {.forgets = 3}, .process_dies = false};
        RelayWorld world(seed, plan);
        REQUIRE(run(world, plan));
        check_rules(world);
        check_arrivals(world.remote.arrivals, "site/plant/", false);
        lost += world.remote.sessions_lost;
    }
    CHECK(lost > 0);
}

TEST_CASE("a poison message is set aside, and all others arrive") {
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        CAPTURE(seed);
        const WorldPlan plan = {.qos = qos1, .quirks = {.poison = "7"}, .process_dies = false};
        RelayWorld world(seed, plan);
        REQUIRE(run(world, plan));
        check_rules(world);
        check_arrivals(world.remote.arrivals, "site/plant/", false, {7});
        const auto is_dead_letter = [](const ModelBroker::Arrival& one) {
            return one.topic == "dead/plant/1" && one.payload == "7";
        };
        CHECK(std::any_of(world.inner.arrivals.begin(), world.inner.arrivals.end(), is_dead_letter));
    }
}

}  // namespace
}  // namespace ledge::bridge
