// A relay between two model brokers, over links that break at any byte, with processes that die, and an upstream that
// answers late, twice, wrongly or never. The claims: what the relay has acknowledged is at the other end; QoS 2 is
// there exactly once; the order per topic is kept; no packet id has two uses at a time.
#include <algorithm>
#include <memory>
#include <set>

#include "model_broker.hpp"
#include "relay_rig.hpp"

namespace ledge::bridge {
namespace {

constexpr int messages = 30;  // in each direction
constexpr int topics = 3;
constexpr int steps_max = 40'000;
constexpr std::uint64_t seeds = 60;

/// Bytes on the way between the relay and a broker.
struct Wire {
    std::string to_relay;
    std::string to_broker;
};

struct Plan {
    wire::Version version = v5;
    QoS qos = qos2;
    Quirks quirks = {};
    bool process_dies = true;
    UpstreamKind kind = UpstreamKind::ledgemq;
};

class World {
public:
    World(std::uint64_t seed, const Plan& plan)
        : rng(seed),
          plan_(plan),
          inner(v5, static_cast<std::uint16_t>(65'530 - rng.below(40)), 10),
          remote(plan.version, static_cast<std::uint16_t>(1 + rng.below(60'000)), 4) {
        remote.quirks = plan.quirks;
        starts_process();
        for (int n = 0; n < messages; ++n) {
            const std::string topic = std::to_string(n % topics);
            inner.queue("plant/" + topic, std::to_string(n), plan.qos);
            remote.queue("site/cmd/" + topic, std::to_string(n), plan.qos);
        }
    }

    /// Runs until both queues are empty. In the second half nothing breaks and the upstream is honest.
    bool run() {
        for (int step = 0; step < steps_max; ++step) {
            const bool may_break = step < steps_max / 2;
            if (!may_break) remote.quirks = {.poison = plan_.quirks.poison};
            if (step == steps_max / 2) cuts();  // answers that never came
            one_step(may_break);
            if (inner.queued() == 0 && remote.queued() == 0 && (!may_break || is_quiet())) return true;
        }
        return false;
    }

    Rng rng;

private:
    Plan plan_;

public:
    ModelBroker inner;
    ModelBroker remote;
    std::unique_ptr<Upstream> upstream;
    std::unique_ptr<Relay> relay;
    Instant now = Instant{} + 1h;

private:
    bool is_quiet() const { return up_.to_broker.empty() && up_.to_relay.empty() && in_.to_broker.empty(); }

    void starts_process() {
        UpstreamOptions options;
        options.kind = plan_.kind;
        options.protocol = plan_.version == v5 ? ProtocolChoice::v5 : ProtocolChoice::v3_1_1;
        options.maximum_qos = QoS::exactly_once;
        upstream = std::make_unique<Upstream>(options);
        RelayOptions relay_opts = relay_options();
        for (Route& route : relay_opts.routes) route.qos = plan_.qos;
        relay_opts.poison_attempts = plan_.quirks.poison.empty() ? 1'000'000 : 3;
        relay = std::make_unique<Relay>(relay_opts, *upstream);
    }

    void one_step(bool may_break) {
        now += 10ms;
        if (relay->is_closed() && (!may_break || rng.one_in(3))) {
            remote.opened();
            relay->upstream_opened(now);
        }
        if (relay->wants_inner()) {
            inner.opened();
            relay->inner_opened(now);
        }
        if (relay->next_deadline() <= now) relay->on_time(now);
        moves_up();
        moves_in();
        remote.step(rng);
        inner.step(rng);
        if (may_break && rng.one_in(60)) breaks();
        while (relay->take_event()) {
        }
    }

    std::string piece(std::string& from) {
        const std::size_t count = from.empty() ? 0 : rng.below(from.size() + 1);
        std::string part = from.substr(0, count);
        from.erase(0, count);
        return part;
    }

    void moves_up() {
        if (!remote.is_open()) return;
        const Bytes output = relay->upstream_output();
        std::string bytes(as_text(output));
        const std::string part = piece(bytes);
        relay->upstream_sent(part.size(), now);
        remote.on_bytes(as_bytes(part), rng);
        up_.to_relay += piece(remote.output());
        Bytes rest = as_bytes(up_.to_relay);
        relay->upstream_bytes(rest, now);
        up_.to_relay = std::string(as_text(rest));
        if (remote.wants_close() || relay->wants_upstream_close())
            closes_upstream(remote.wants_close() ? Relay::Closed::by_peer : Relay::Closed::lost);
    }

    void moves_in() {
        if (!inner.is_open()) return;
        const Bytes output = relay->inner_output();
        std::string bytes(as_text(output));
        const std::string part = piece(bytes);
        relay->inner_sent(part.size(), now);
        inner.on_bytes(as_bytes(part), rng);
        in_.to_relay += piece(inner.output());
        Bytes rest = as_bytes(in_.to_relay);
        relay->inner_bytes(rest, now);
        in_.to_relay = std::string(as_text(rest));
        if (inner.wants_close() || relay->wants_inner_close()) closes_inner();
    }

    void closes_upstream(Relay::Closed how) {
        up_ = {};
        remote.closed();
        relay->upstream_closed(how, now);
    }
    void closes_inner() {
        in_ = {};
        inner.closed();
        relay->inner_closed(now);
    }

    void cuts() {
        if (remote.is_open()) closes_upstream(Relay::Closed::lost);
    }

    void breaks() {
        if (plan_.process_dies && rng.one_in(3)) {
            up_ = in_ = {};
            remote.closed();
            inner.closed();
            starts_process();
        } else if (rng.one_in(2)) {
            cuts();
        } else if (inner.is_open()) {
            closes_inner();
        }
    }

    Wire up_;
    Wire in_;
};

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

void check_rules(const World& world) {
    for (const std::string& complaint : world.inner.complaints) FAIL_CHECK("to the local broker: " << complaint);
    for (const std::string& complaint : world.remote.complaints) FAIL_CHECK("to the upstream: " << complaint);
}

void run_all(const Plan& plan, bool is_exact) {
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        CAPTURE(seed);
        World world(seed, plan);
        REQUIRE(world.run());
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
        World world(seed, {.version = v311, .qos = qos2, .quirks = {.lowers_qos2 = true}});
        REQUIRE(world.run());
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
        World world(seed, {.qos = qos2, .quirks = {.forgets = 3}, .process_dies = false});
        REQUIRE(world.run());
        check_rules(world);
        check_arrivals(world.remote.arrivals, "site/plant/", false);
        lost += world.remote.sessions_lost;
    }
    CHECK(lost > 0);
}

TEST_CASE("a poison message is set aside, and all others arrive") {
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        CAPTURE(seed);
        World world(seed, {.qos = qos1, .quirks = {.poison = "7"}, .process_dies = false});
        REQUIRE(world.run());
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
