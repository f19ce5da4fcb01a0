// A bridge with a priority lane: two sessions at the real core and two connections, which are told as one bridge.
#include <doctest/doctest.h>

#include <algorithm>

#include "ledge/broker/session_facts.hpp"
#include "rig.hpp"

namespace ledge::uplink {
namespace {

using wire::QoS;

struct LaneRig : Rig {
    explicit LaneRig(bridge::Direction direction = bridge::Direction::out, storage::MemoryStore* given = nullptr)
        : Rig(2, given) {
        options.relay.routes[0].direction = direction;
        adds_lane();
    }
    FakeUpstream& main() { return upstreams[0]; }
    FakeUpstream& priority() { return upstreams[1]; }
    bool runs_bridges() {
        starts_bridges();
        return until_stage(BridgeStage::running);
    }
    BridgeFigures figures() const { return bridges->figures(Instant(1h)).front(); }
    void rests() {
        for (int i = 0; i < 16; ++i) turn();
    }
    bool until_got(std::string_view text) {
        return until([&] { return std::ranges::find(local->got, text) != local->got.end(); });
    }
    void comes_from_main(std::string_view topic, std::string_view payload) {
        main().sends(client::publish(topic, payload, QoS::at_least_once, 900));
    }
};

TEST_CASE("messages of priority leave by a connection of their own, which carries nothing else") {
    LaneRig rig;
    REQUIRE(rig.runs_bridges());
    CHECK(rig.main().received.front() == "CONNECT gw");
    CHECK(rig.priority().received.front() == "CONNECT gw-priority");
    const auto filters = [&](std::string_view client_id) {
        const auto all = rig.shard.subscriptions_of(client_id);
        return all.size() == 1 ? all.front().filter : std::to_string(all.size()) + " filters";
    };
    CHECK(filters("$bridge/cloud") == "plant/#");
    CHECK(filters("$bridge/cloud/priority") == "plant/alarms/#");
    CHECK(rig.priority().count("SUBSCRIBE") == 0);
    rig.local->publishes("plant/alarms/1", "fire");
    rig.local->publishes("plant/press", "21");
    CHECK(rig.until([&] { return rig.priority().has("PUBLISH site/plant/alarms/1 fire"); }));
    CHECK(rig.until([&] { return rig.main().has("PUBLISH site/plant/press 21"); }));
    CHECK(rig.until([&] { return rig.figures().queue_messages == 0; }));
    CHECK(rig.main().count("PUBLISH") == 1);
    CHECK(rig.priority().count("PUBLISH") == 1);
    CHECK(rig.figures().messages.out_done == 2);
}

TEST_CASE("messages of priority do not wait behind a backlog, and keep their own order") {
    LaneRig rig;
    rig.main().acknowledges = false;
    rig.options.relay.inflight_max = rig.lane->relay.inflight_max = 1;
    for (FakeUpstream& upstream : rig.upstreams) upstream.stops_listening();
    rig.starts_bridges();
    REQUIRE(rig.until_stage(BridgeStage::pausing));
    rig.rests();
    for (int i = 0; i < 20; ++i) rig.local->publishes("plant/press", std::to_string(i));
    for (const char* payload : {"1", "2", "3"}) rig.local->publishes("plant/alarms/1", payload);
    rig.rests();
    CHECK(rig.figures().queue_messages == 23);
    for (FakeUpstream& upstream : rig.upstreams) upstream.listens();
    rig.passes(5s);
    CHECK(rig.until([&] { return rig.priority().count("PUBLISH") == 3; }));
    std::vector<std::string> sent;
    for (const std::string& packet : rig.priority().received)
        if (packet.starts_with("PUBLISH")) sent.push_back(packet.substr(0, packet.find(" q")));
    CHECK(sent == std::vector<std::string>{"PUBLISH site/plant/alarms/1 1", "PUBLISH site/plant/alarms/1 2",
                                           "PUBLISH site/plant/alarms/1 3"});
    CHECK(rig.main().count("PUBLISH") == 1);
    CHECK(rig.until([&] { return rig.figures().queue_messages == 20; }));
}

TEST_CASE("the bridge runs only when both connections do, and says what is missing") {
    for (const std::size_t missing : {std::size_t{0}, std::size_t{1}}) {
        CAPTURE(missing);
        LaneRig rig;
        rig.upstreams[missing].stops_listening();
        rig.starts_bridges();
        REQUIRE(rig.until([&] { return rig.upstreams[1 - missing].has("CONNECT"); }));
        rig.passes(1s);
        CHECK(rig.until_stage(BridgeStage::pausing));
        CHECK(rig.figures().server == to_text(rig.upstreams[missing].server()));
        CHECK_FALSE(rig.figures().last_problem.empty());
        rig.local->subscribes("$SYS/broker/bridges/#");
        CHECK(rig.until_got("$SYS/broker/bridges/cloud/state 0"));
        rig.upstreams[missing].listens();
        rig.passes(10s);
        CHECK(rig.until_got("$SYS/broker/bridges/cloud/state 1"));
        rig.local->got.clear();
        rig.upstreams[missing].hangs_up();
        CHECK(rig.until_got("$SYS/broker/bridges/cloud/state 0"));
        CHECK(std::ranges::none_of(rig.local->got,
                                   [](const std::string& one) { return one.find("priority") != std::string::npos; }));
    }
}

TEST_CASE("while only the lane is away, the main queue is served, and the figures tell about both") {
    LaneRig rig;
    rig.options.queue.capacity.messages = 1000;
    rig.lane->queue.capacity.messages = 100;
    rig.options.inner_listener = 1;  // without wildcards; the upstream's messages still pass
    rig.priority().stops_listening();
    rig.starts_bridges();
    rig.rests();
    REQUIRE(rig.until([&] { return rig.main().count("SUBSCRIBE") > 0; }));
    rig.passes(1s);
    CHECK(rig.figures().stage == BridgeStage::pausing);
    CHECK(rig.figures().degraded.starts_with("the filter plant/# was refused"));
    CHECK_FALSE(rig.figures().connected.has_value());
}

TEST_CASE("the figures of a bridge are those of both queues") {
    LaneRig rig;
    rig.options.queue.capacity.messages = 1000;
    rig.lane->queue.capacity.messages = 100;
    rig.priority().stops_listening();
    rig.starts_bridges();
    REQUIRE(rig.until([&] { return rig.main().count("SUBSCRIBE") > 0; }));
    for (int i = 0; i < 40; ++i) {
        rig.local->publishes("plant/press", "1");
        rig.local->publishes("plant/alarms/1", "1");
        rig.passes(1s);
    }
    const BridgeFigures both = rig.figures();
    CHECK(both.queue.capacity.messages == 1100);
    CHECK(both.queue.now.messages == 40);
    CHECK(both.queue.now.messages == both.queue_messages);
    CHECK(both.queue.age.age >= 30s);
    CHECK(both.queue.flow.arrival_messages_per_s == doctest::Approx(2).epsilon(0.2));
    CHECK(both.queue.flow.service_messages_per_s == doctest::Approx(1).epsilon(0.2));  // by the main connection
    CHECK(both.queue.flow.time_to_full.has_value());                                   // of the lane
}

TEST_CASE("what the main connection brings does not leave by the lane, and not by the main connection either") {
    LaneRig rig(bridge::Direction::both);
    REQUIRE(rig.runs_bridges());
    rig.local->subscribes("plant/#");
    rig.rests();
    rig.comes_from_main("site/plant/alarms/1", "theirs");
    CHECK(rig.until_got("plant/alarms/1 theirs"));
    rig.local->publishes("plant/alarms/2", "ours");
    CHECK(rig.until([&] { return rig.priority().has("PUBLISH site/plant/alarms/2 ours"); }));
    CHECK(rig.priority().count("PUBLISH") == 1);
    CHECK(rig.main().count("PUBLISH") == 0);
}

TEST_CASE("the echo of a message of the lane, which comes to the main connection, is dropped and counted") {
    LaneRig rig(bridge::Direction::both);
    REQUIRE(rig.runs_bridges());
    rig.local->subscribes("plant/#");
    rig.rests();
    rig.local->publishes("plant/alarms/1", "ours");
    REQUIRE(rig.until([&] { return rig.priority().has("PUBLISH site/plant/alarms/1 ours"); }));
    rig.comes_from_main("site/plant/alarms/1", "ours");
    CHECK(rig.until([&] { return rig.figures().messages.echoes == 1; }));
    rig.comes_from_main("site/plant/alarms/1", "theirs");
    CHECK(rig.until_got("plant/alarms/1 theirs"));
    CHECK(std::ranges::count(rig.local->got, "plant/alarms/1 ours") == 1);
    CHECK(rig.figures().messages.loops == 0);
}

TEST_CASE("on demand, the lane connects alone when only it has messages") {
    LaneRig rig;
    rig.options.is_on_demand = rig.lane->is_on_demand = true;
    rig.starts_bridges();
    REQUIRE(rig.until_stage(BridgeStage::idle));
    rig.local->publishes("plant/alarms/1", "fire");
    CHECK(rig.until([&] { return rig.priority().has("PUBLISH site/plant/alarms/1 fire"); }));
    CHECK(rig.until_stage(BridgeStage::running));
    CHECK(rig.main().accepted == 0);
}

TEST_CASE("a lane that the configuration has no more sends what waits, then it removes its session and ends") {
    storage::MemoryStore store;
    {
        LaneRig before(bridge::Direction::out, &store);
        before.priority().stops_listening();
        before.starts_bridges();
        REQUIRE(before.until([&] { return before.main().has("CONNECT"); }));
        before.rests();
        before.local->publishes("plant/alarms/1", "fire");
        before.rests();
        REQUIRE(before.shard.find_session("$bridge/cloud/priority")->messages == 1);
    }
    LaneRig rig(bridge::Direction::out, &store);
    rig.lane->relay.local_filters.clear();
    rig.lane->relay.only_empties = true;
    REQUIRE(rig.runs_bridges());
    CHECK(rig.until([&] { return rig.priority().has("PUBLISH site/plant/alarms/1 fire"); }));
    CHECK(rig.until([&] { return !rig.shard.find_session("$bridge/cloud/priority"); }));
    CHECK(rig.until([&] { return rig.priority().has("DISCONNECT"); }));
    CHECK(rig.figures().stage == BridgeStage::running);
    rig.passes(60s);
    CHECK_FALSE(rig.shard.find_session("$bridge/cloud/priority"));
    CHECK(rig.priority().accepted == 1);
}

TEST_CASE("without a session, a lane that only empties does not connect") {
    LaneRig rig;
    rig.lane->relay.local_filters.clear();
    rig.lane->relay.only_empties = true;
    REQUIRE(rig.runs_bridges());
    rig.passes(20s);
    CHECK(rig.priority().accepted == 0);
    CHECK_FALSE(rig.shard.find_session("$bridge/cloud/priority"));
}

TEST_CASE("a stop ends both connections") {
    LaneRig rig;
    REQUIRE(rig.runs_bridges());
    rig.bridges->stop(Instant(1h));
    CHECK(rig.until([&] { return rig.bridges->is_stopped(); }));
    CHECK(rig.until([&] { return rig.main().has("DISCONNECT") && rig.priority().has("DISCONNECT"); }));
    CHECK(rig.bridges->next_deadline() == never);
}

}  // namespace
}  // namespace ledge::uplink
