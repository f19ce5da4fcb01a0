// Bridges with the real core, a scripted upstream and virtual time: what the session at the local broker is for, and
// what a bridge tells about itself.
#include "ledge/uplink/bridges.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "ledge/broker/session_facts.hpp"
#include "ledge/runtime/clock.hpp"
#include "rig.hpp"

namespace ledge::uplink {
namespace {

BridgeFigures figures(const Rig& rig, Instant now) { return rig.bridges->figures(now).front(); }

/// CONNACK with session present = 1.
const std::string has_session("\x20\x03\x01\x00\x00", 5);

/// The bridges start while the upstream is away, and the broker is killed before the upstream comes back.
void start_in_vain(storage::MemoryStore& store, const std::vector<bridge::Route>& routes) {
    Rig rig(1, &store);
    rig.options.relay.routes = routes;
    rig.upstreams[0].stops_listening();
    rig.starts_bridges();
    REQUIRE(rig.until_stage(BridgeStage::pausing));
}

TEST_CASE("messages wait for an upstream that was never reached") {
    Rig rig;
    rig.upstreams[0].stops_listening();
    rig.starts_bridges();
    REQUIRE(rig.until_stage(BridgeStage::pausing));
    rig.local->publishes("plant/a", "1");
    rig.local->publishes("plant/b", "2");
    rig.local->publishes("other", "3");
    for (int i = 0; i < 8; ++i) rig.turn();
    CHECK(figures(rig, {}).queue_messages == 2);
    rig.upstreams[0].listens();
    rig.passes(5s);
    REQUIRE(rig.until_stage(BridgeStage::running));
    CHECK(rig.until([&] { return rig.upstreams[0].has("PUBLISH site/plant/b 2"); }));
    CHECK(rig.upstreams[0].has("PUBLISH site/plant/a 1"));
    CHECK(rig.until([&] { return figures(rig, {}).queue_messages == 0; }));
    CHECK(figures(rig, {}).messages.out_done == 2);
}

TEST_CASE("a filter that is no longer of any route is unsubscribed, and the others stay") {
    Rig rig;
    rig.options.relay.routes[0].filter = "old/#";
    rig.starts_bridges();
    REQUIRE(rig.until_stage(BridgeStage::running));
    const auto has_only = [&](std::string_view filter, std::uint32_t id) {
        const auto facts = rig.shard.subscriptions_of("bridge");
        return facts.size() == 1 && facts[0].filter == filter && facts[0].id == id &&
               facts[0].qos == wire::QoS::at_least_once && facts[0].no_local && facts[0].retain_as_published;
    };
    CHECK(has_only("old/#", 0));
    rig.bridges.reset();
    rig.options.relay.routes[0].filter = "plant/#";
    rig.upstreams[0].stops_listening();
    rig.starts_bridges();
    REQUIRE(rig.until_stage(BridgeStage::pausing));
    CHECK(has_only("plant/#", 1));
    rig.local->publishes("old/a", "1");
    rig.local->publishes("plant/a", "1");
    for (int i = 0; i < 8; ++i) rig.turn();
    CHECK(figures(rig, {}).queue_messages == 1);
}

TEST_CASE("a start does not send a waiting message to the local session, where it would count as sent") {
    storage::MemoryStore store;
    {
        Rig rig(1, &store);
        rig.starts_bridges();
        REQUIRE(rig.until_stage(BridgeStage::running));
        rig.upstreams[0].stops_listening();
        rig.upstreams[0].resets();
        REQUIRE(rig.until_stage(BridgeStage::pausing));
        rig.local->publishes("plant/a", "1");
        rig.passes(1s);
    }
    Rig rig(1, &store);
    rig.upstreams[0].stops_listening();
    rig.starts_bridges();
    REQUIRE(rig.until_stage(BridgeStage::pausing));
    CHECK(figures(rig, {}).queue_messages == 1);
    CHECK(rig.shard.find_queue("bridge")->waiting_messages == 1);  // none is under way
}

TEST_CASE("[MQTT-3.2.2-4] a lost local session is not forgotten by a restart before the upstream is reached") {
    storage::MemoryStore store;  // it was lost: the upstream has a session, and the store has none
    std::vector<bridge::Route> routes = Rig().options.relay.routes;
    routes[0].qos = wire::QoS::exactly_once;
    start_in_vain(store, routes);
    SUBCASE("after one restart") {}
    SUBCASE("after several, the last one with another route") {
        start_in_vain(store, routes);
        routes[0].filter = "other/#";
        start_in_vain(store, routes);
    }
    {
        Rig rig(1, &store);
        rig.options.relay.routes = routes;
        rig.upstreams[0].greeting = has_session;
        rig.starts_bridges();
        CHECK(rig.until([&] { return rig.has_logged("upstream_session_discarded"); }));
        rig.upstreams[0].greeting.clear();
        rig.passes(5s);
        CHECK(rig.until_stage(BridgeStage::running));
    }
    Rig rig(1, &store);  // from now on the two sessions belong together
    rig.options.relay.routes = routes;
    rig.upstreams[0].greeting = has_session;
    rig.starts_bridges();
    CHECK(rig.until_stage(BridgeStage::running));
    CHECK_FALSE(rig.has_logged("upstream_session_discarded"));
}

TEST_CASE("retained messages of a new route come to an upstream that has its session, also after a restart") {
    storage::MemoryStore store;
    const std::vector<bridge::Route> old_routes = Rig().options.relay.routes;
    std::vector<bridge::Route> new_routes = old_routes;
    new_routes.push_back(old_routes[0]);
    new_routes.back().filter = "added/#";
    {
        Rig rig(1, &store);
        rig.starts_bridges();
        REQUIRE(rig.until_stage(BridgeStage::running));
        rig.local->publishes("plant/a", "1", true);
        rig.local->publishes("added/a", "2", true);
        CHECK(rig.until([&] { return rig.upstreams[0].has("PUBLISH site/plant/a 1"); }));
        CHECK(rig.until([&] { return figures(rig, {}).queue_messages == 0; }));
    }
    SUBCASE("the bridge connects at once") {}
    SUBCASE("the upstream is away, and the broker is killed") { start_in_vain(store, new_routes); }
    for (const bool is_first : {true, false}) {
        CAPTURE(is_first);
        Rig rig(1, &store);
        rig.options.relay.routes = new_routes;
        rig.upstreams[0].greeting = has_session;
        rig.starts_bridges();
        REQUIRE(rig.until_stage(BridgeStage::running));
        rig.local->publishes("plant/b", "3");
        CHECK(rig.until([&] { return rig.upstreams[0].has("PUBLISH site/plant/b 3"); }));
        rig.passes(1s);
        CHECK(rig.upstreams[0].count("PUBLISH site/added/a 2") == (is_first ? 1 : 0));
        CHECK_FALSE(rig.upstreams[0].has("PUBLISH site/plant/a"));
    }
}

TEST_CASE("the state of a bridge is a retained topic, and further topics tell more") {
    Rig rig;
    rig.upstreams[0].stops_listening();
    rig.starts_bridges();
    REQUIRE(rig.until_stage(BridgeStage::pausing));
    rig.local->subscribes("$SYS/broker/bridges/#");
    const auto has_got = [&](std::string_view text) {
        return rig.until([&] { return std::ranges::find(rig.local->got, text) != rig.local->got.end(); });
    };
    CHECK(has_got("$SYS/broker/bridges/cloud/state 0"));
    CHECK(has_got("$SYS/broker/bridges/cloud/stage pausing"));
    rig.upstreams[0].listens();
    rig.passes(5s);
    CHECK(has_got("$SYS/broker/bridges/cloud/state 1"));
    CHECK(has_got("$SYS/broker/bridges/cloud/stage running"));
    rig.passes(20s);  // until the figures that follow from the connection are published
    rig.local->got.clear();
    rig.passes(1min);
    // What has not changed is not published.
    std::erase_if(rig.local->got, [](const std::string& line) {
        return line.find("/connected_s ") != std::string::npos || line.find("/round_trip/") != std::string::npos;
    });
    CHECK(rig.local->got == std::vector<std::string>{});
    rig.upstreams[0].hangs_up();
    CHECK(has_got("$SYS/broker/bridges/cloud/state 0"));
}

TEST_CASE("while the upstream is away, a bridge tells rate, age and the time to full, and warns once") {
    Rig rig;
    rig.options.queue = {{.messages = 1000, .bytes = 0}, 1h};
    rig.upstreams[0].stops_listening();
    rig.starts_bridges();
    REQUIRE(rig.until_stage(BridgeStage::pausing));
    rig.local->subscribes("$SYS/broker/bridges/cloud/queue/#");
    for (int i = 0; i < 60; ++i) {
        rig.local->publishes("plant/a", "12345");
        rig.passes(1s);
    }
    BridgeFigures seen = figures(rig, {});
    CHECK(seen.queue.now.messages == 60);
    CHECK(seen.queue.now.bytes == 60 * 12);  // topic and payload
    CHECK(seen.queue.flow.arrival_messages_per_s == doctest::Approx(1).epsilon(0.1));
    CHECK(seen.queue.flow.arrival_bytes_per_s == doctest::Approx(12).epsilon(0.1));
    CHECK(seen.queue.flow.service_messages_per_s == 0);
    REQUIRE(seen.queue.flow.time_to_full.has_value());
    CHECK(*seen.queue.flow.time_to_full > 800s);  // (1000 - 60) / 1
    CHECK(*seen.queue.flow.time_to_full < 1080s);
    CHECK(seen.queue.age.age >= 55s);
    CHECK(seen.queue.age.age <= 75s);
    CHECK_FALSE(seen.queue.age.is_minimum);
    CHECK_FALSE(seen.connected.has_value());
    CHECK_FALSE(seen.round_trip_mean.has_value());
    CHECK(seen.queue.is_filling);
    const auto lines = [&](std::string_view text) {
        return std::ranges::count_if(rig.log_lines, [&](const std::string& line) { return line.find(text) < 200; });
    };
    CHECK(lines("bridge_queue_filling ") == 1);
    const auto topics = [&](std::string_view begin) {
        return std::ranges::count_if(rig.local->got, [&](const std::string& line) { return line.find(begin) == 0; });
    };
    CHECK(topics("$SYS/broker/bridges/cloud/queue/bytes ") >= 3);
    CHECK(topics("$SYS/broker/bridges/cloud/queue/bytes ") <= 8);  // at most once in sys.interval_s
    CHECK(topics("$SYS/broker/bridges/cloud/queue/time_to_full_s ") >= 3);

    rig.upstreams[0].listens();
    rig.passes(5min);
    REQUIRE(rig.until_stage(BridgeStage::running));
    rig.passes(5min);
    seen = figures(rig, {});
    CHECK(seen.queue.now.messages == 0);
    CHECK(seen.queue.age.age == 0s);
    CHECK_FALSE(seen.queue.flow.time_to_full.has_value());
    CHECK(seen.round_trip_mean.has_value());
    CHECK_FALSE(seen.queue.is_filling);
    CHECK(lines("bridge_queue_filling_ended ") == 1);
    CHECK(lines("bridge_queue_filling ") == 1);
    // "" removes the retained message of a figure that is not defined any more.
    CHECK(topics("$SYS/broker/bridges/cloud/queue/time_to_full_s") > 0);
    CHECK(rig.local->got.size() > 0);
    const auto last = std::find_if(rig.local->got.rbegin(), rig.local->got.rend(), [](const std::string& line) {
        return line.find("time_to_full_s") != std::string::npos;
    });
    REQUIRE(last != rig.local->got.rend());
    CHECK(*last == "$SYS/broker/bridges/cloud/queue/time_to_full_s ");
}

TEST_CASE("messages from before the start of the bridge are at least as old as the start") {
    Rig rig;
    rig.upstreams[0].stops_listening();
    rig.starts_bridges();
    REQUIRE(rig.until_stage(BridgeStage::pausing));
    rig.local->publishes("plant/a", "1");
    rig.passes(10min);
    CHECK(figures(rig, {}).queue.age.age >= 9min);
    rig.bridges.reset();
    rig.starts_bridges();
    REQUIRE(rig.until_stage(BridgeStage::pausing));
    rig.passes(1min);
    CHECK(figures(rig, {}).queue.age.age <= 2min);
    CHECK(figures(rig, {}).queue.age.is_minimum);
}

TEST_CASE("on demand, a waiting message wakes the bridge, also one from before the start") {
    Rig rig;
    rig.options.is_on_demand = true;
    rig.options.idle_time = 30s;
    rig.starts_bridges();
    REQUIRE(rig.until_stage(BridgeStage::idle));
    rig.passes(1min);
    CHECK(rig.upstreams[0].accepted == 0);
    CHECK_FALSE(rig.bridges->wants_turn());
    rig.local->publishes("plant/a", "1");
    CHECK(rig.until([&] { return rig.upstreams[0].has("PUBLISH site/plant/a 1"); }));
    rig.passes(2min);
    CHECK(rig.until_stage(BridgeStage::idle));
    CHECK(rig.upstreams[0].accepted == 1);
    rig.local->publishes("plant/a", "2");
    rig.bridges.reset();
    for (int i = 0; i < 8; ++i) rig.turn();
    rig.starts_bridges();
    CHECK(rig.until([&] { return rig.upstreams[0].has("PUBLISH site/plant/a 2"); }));
}

TEST_CASE("outside of its windows a bridge stays away, and messages wait") {
    const auto time = runtime::read_wall_clock();
    const auto minute =
        std::chrono::duration_cast<std::chrono::minutes>(time - std::chrono::floor<std::chrono::days>(time));
    const auto later = [&](int minutes) { return static_cast<std::uint16_t>((minute.count() + minutes) % 1440); };
    Rig rig;
    rig.options.windows = {{later(120), later(180)}};
    rig.starts_bridges();
    REQUIRE(rig.until_stage(BridgeStage::stopped));
    rig.local->publishes("plant/a", "1");
    rig.passes(5min);
    CHECK(rig.upstreams[0].accepted == 0);
    CHECK(figures(rig, {}).queue_messages == 1);
    Rig inside;
    inside.options.windows = {{later(1320), later(120)}};
    inside.starts_bridges();
    CHECK(inside.until_stage(BridgeStage::running));
}

TEST_CASE("after a stop the bridges are stopped, whatever they were doing") {
    for (const bool is_reachable : {true, false}) {
        CAPTURE(is_reachable);
        Rig rig;
        if (!is_reachable) rig.upstreams[0].stops_listening();
        rig.starts_bridges();
        SUBCASE("at once") {}
        SUBCASE("later") { REQUIRE(rig.until_stage(is_reachable ? BridgeStage::running : BridgeStage::pausing)); }
        CHECK_FALSE(rig.bridges->is_stopped());
        rig.bridges->stop(Instant(1h));
        CHECK(rig.until([&] { return rig.bridges->is_stopped(); }));
        CHECK(rig.bridges->next_deadline() == never);
        CHECK_FALSE(rig.bridges->wants_turn());
    }
}

TEST_CASE("a session that an operator has removed is made again, while the upstream is away and on demand") {
    for (const bool is_on_demand : {false, true}) {
        CAPTURE(is_on_demand);
        Rig rig;
        rig.options.is_on_demand = is_on_demand;
        rig.upstreams[0].stops_listening();
        rig.starts_bridges();
        REQUIRE(rig.until_stage(is_on_demand ? BridgeStage::idle : BridgeStage::pausing));
        REQUIRE(rig.shard.remove_session("bridge", Instant(1h)));
        rig.passes(30s);
        rig.local->publishes("plant/a", "1");
        rig.upstreams[0].listens();
        rig.passes(10min);
        CHECK(rig.until([&] { return rig.upstreams[0].has("PUBLISH site/plant/a 1"); }));
    }
}

TEST_CASE("a refused subscription at the local broker is told, and the bridge goes on") {
    Rig rig;
    rig.options.inner_listener = 1;  // without wildcards
    rig.starts_bridges();
    REQUIRE(rig.until_stage(BridgeStage::running));
    CHECK(rig.has_logged("bridge_local_problem"));
    CHECK(figures(rig, {}).degraded.starts_with("the filter plant/# was refused"));
}

TEST_CASE("a local problem that lasts is logged once, and does not make the bridge connect more often") {
    Rig rig;
    rig.options.inner_listener = 1;  // without wildcards
    int passwords = 0;
    rig.options.password.make = [&passwords](const os::ProgramStop&) -> PasswordResult {
        ++passwords;
        return Password{Secret(as_bytes("password")), {}, "made by a test", {}};
    };
    rig.upstreams[0].stops_listening();
    rig.starts_bridges();
    REQUIRE(rig.until_stage(BridgeStage::pausing));
    CHECK_FALSE(figures(rig, {}).degraded.empty());
    rig.passes(20min);
    CHECK(passwords <= 20);  // the pauses grow up to five minutes
    CHECK(passwords >= 8);
    CHECK(std::ranges::count_if(rig.log_lines, [](const std::string& line) {
              return line.find("bridge_local_problem") != std::string::npos;
          }) == 1);
}

TEST_CASE("the figures of two queues: sums, and the more urgent of two times") {
    QueueFigures sum;
    sum.capacity = {.messages = 100, .bytes = 0};
    sum.now.bytes = 10;
    sum.now.messages = 1;
    sum.flow.arrival_messages_per_s = 1;
    sum.flow.service_bytes_per_s = 5;
    sum.flow.time_to_full = 10min;
    sum.flow.time_to_empty = 1min;
    sum.age = {5s, true};
    sum.losses.expired = 3;
    QueueFigures lane;
    lane.capacity = {.messages = 50, .bytes = 1000};
    lane.now.bytes = 20;
    lane.now.messages = 2;
    lane.flow.arrival_messages_per_s = 2;
    lane.flow.service_bytes_per_s = 6;
    lane.age = {7s, false};
    lane.losses.expired = 4;
    lane.losses.queue_full = 1;
    SUBCASE("both change") {
        lane.flow.time_to_full = 5min;
        lane.flow.time_to_empty = 2min;
        sum.add(lane);
        CHECK(sum.flow.time_to_full == 5min);
        CHECK(sum.flow.time_to_empty == 2min);
    }
    SUBCASE("the other one does not shrink, so both together never become empty") {
        sum.add(lane);
        CHECK(sum.flow.time_to_full == 10min);
        CHECK_FALSE(sum.flow.time_to_empty.has_value());
    }
    SUBCASE("the other one is empty") {
        lane.now.messages = 0;
        sum.add(lane);
        CHECK(sum.flow.time_to_empty == 1min);
    }
    CHECK(sum.capacity.messages == 150);
    CHECK(sum.capacity.bytes == 0);  // unlimited
    CHECK(sum.now.bytes == 30);
    CHECK(sum.flow.arrival_messages_per_s == 3);
    CHECK(sum.flow.service_bytes_per_s == 11);
    CHECK(sum.age.age == 7s);
    CHECK_FALSE(sum.age.is_minimum);
    CHECK(sum.losses.expired == 7);
    CHECK(sum.losses.queue_full == 1);
}

TEST_CASE("filters that the upstream refuses are counted, and the bridge counts as degraded") {
    Rig rig;
    rig.upstreams[0].refuses_filters = true;
    rig.local->subscribes("$SYS/broker/bridges/cloud/filters/refused");
    const auto has_got = [&](std::string_view value) {
        const std::string text = "$SYS/broker/bridges/cloud/filters/refused " + std::string(value);
        return rig.until([&] { return std::ranges::find(rig.local->got, text) != rig.local->got.end(); });
    };
    rig.starts_bridges();
    REQUIRE(rig.until_stage(BridgeStage::running));
    CHECK(figures(rig, {}).refused_filters == 1);
    CHECK(figures(rig, {}).degraded.starts_with("the filter site/cmd/# "));
    CHECK(has_got("1"));
    rig.local->got.clear();
    rig.upstreams[0].refuses_filters = false;
    rig.upstreams[0].hangs_up();
    REQUIRE(rig.until_stage(BridgeStage::pausing));
    rig.passes(5s);
    REQUIRE(rig.until_stage(BridgeStage::running));
    CHECK(figures(rig, {}).degraded.empty());
    CHECK(has_got("0"));
}

}  // namespace
}  // namespace ledge::uplink
