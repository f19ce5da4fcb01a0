// Bridges that are added, changed and removed while the broker runs, with the real core, scripted upstreams and virtual
// time.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>

#include "ledge/broker/session_facts.hpp"
#include "ledge/journal/image.hpp"
#include "ledge/session/listener_options.hpp"
#include "ledge/uplink/bridge_plan.hpp"
#include "rig.hpp"

namespace ledge::uplink {
namespace {

using client::ack;
using wire::PacketType;
using wire::QoS;

/// CONNACK with session present = 1.
const std::string has_old_session("\x20\x03\x01\x00\x00", 5);

/// The bridge `cloud` to the first upstream runs. The second upstream is for another bridge, or for another url.
struct ChangeRig : Rig {
    explicit ChangeRig(storage::MemoryStore* given = nullptr) : Rig(2, given) {
        options.servers.pop_back();
        options.relay.inner_client_id = options.inner_user = "$bridge/cloud";
        options.inner_listener = 2;
    }
    FakeUpstream& first() { return upstreams[0]; }
    FakeUpstream& second() { return upstreams[1]; }
    Instant now() { return driver.now(); }

    /// As adds_lane(), which takes the second upstream from the list of servers.
    void gets_lane() {
        options.servers.push_back(second().server());
        adds_lane();
    }
    void runs_bridges() {
        starts_bridges();
        REQUIRE(until_stage(BridgeStage::running));
    }
    UplinkOptions with_filter(const std::string& filter) const {
        UplinkOptions changed = options;
        changed.relay.routes[0].filter = filter;
        return changed;
    }
    UplinkOptions other_bridge() const {
        UplinkOptions other = options;
        other.name = "other";
        other.servers = {upstreams[1].server()};
        other.relay.inner_client_id = other.inner_user = "$bridge/other";
        other.inner_listener = 3;
        return other;
    }
    void puts(const UplinkOptions& wanted, broker::Listeners listeners = {}) {
        bridges->put({{wanted}, std::move(listeners)}, now());
    }
    /// The bridge has ended the old connection and runs on the next one.
    bool runs_again(int accepted = 2) {
        return until([&] { return first().accepted == accepted; }) && until_stage(BridgeStage::running);
    }
    std::vector<std::string> filters(std::string_view client_id = "$bridge/cloud") const {
        std::vector<std::string> all;
        for (const auto& one : shard.subscriptions_of(client_id)) all.push_back(one.filter);
        std::ranges::sort(all);
        return all;
    }
    std::size_t waiting(std::string_view client_id = "$bridge/cloud") const {
        const auto session = shard.find_session(client_id);
        return session ? session->messages : 0;
    }
    bool is_alone(std::string_view name) const {
        const auto all = bridges->figures(Instant(1h));
        return all.size() == 1 && all.front().name == name;
    }
};

using Filters = std::vector<std::string>;

TEST_CASE("a bridge that is added while the broker runs connects and carries messages") {
    ChangeRig rig;
    rig.runs_bridges();
    rig.puts(rig.other_bridge());
    CHECK(rig.wants_turn());
    CHECK(rig.until([&] { return rig.second().has("SUBSCRIBE"); }));
    CHECK(rig.until([&] {
        const auto all = rig.bridges->figures(rig.now());
        return all.size() == 2 && all[1].name == "other" && all[1].stage == BridgeStage::running;
    }));
    rig.local->publishes("plant/a", "1");
    CHECK(rig.until(
        [&] { return rig.first().has("PUBLISH site/plant/a 1") && rig.second().has("PUBLISH site/plant/a 1"); }));
    CHECK(rig.first().accepted == 1);
    CHECK(rig.first().count("CONNECT") == 1);
}

TEST_CASE("a removed bridge says goodbye to both sides, and its messages stay while no further ones come") {
    ChangeRig rig;
    rig.runs_bridges();
    rig.puts(rig.other_bridge());
    REQUIRE(rig.until([&] { return rig.second().has("SUBSCRIBE"); }));
    rig.first().acknowledges = false;
    rig.local->subscribes("$SYS/broker/bridges/#");
    rig.local->publishes("plant/a", "1");
    REQUIRE(rig.until([&] { return rig.first().has("PUBLISH"); }));

    rig.bridges->remove("cloud", rig.now());
    CHECK(rig.is_alone("other"));  // the figures go at once
    CHECK(rig.until([&] { return rig.has_logged("bridge_session_left"); }));
    CHECK(rig.first().count("DISCONNECT") == 1);
    CHECK_FALSE(rig.first().was_reset);
    CHECK(rig.filters() == Filters{});
    CHECK_FALSE(rig.shard.find_session("$bridge/cloud")->is_connected);
    rig.local->publishes("plant/b", "2");
    rig.passes(1min);
    CHECK(rig.waiting() == 1);
    CHECK(rig.first().accepted == 1);
    CHECK(rig.second().accepted == 1);
    // No retained message of the bridge is left: the last message of each topic is empty.
    std::map<std::string, std::string> last;
    for (const std::string& line : rig.local->got)
        last[line.substr(0, line.find(' '))] = line.substr(line.find(' ') + 1);
    int topics = 0;
    for (const auto& one : last) {
        if (one.first.find("/cloud/") == std::string::npos) continue;
        ++topics;
        CHECK_MESSAGE(one.second.empty(), one.first);
    }
    CHECK(topics > 5);
    rig.bridges->remove("cloud", rig.now());
    rig.bridges->remove("unknown", rig.now());
    rig.passes(1s);
    CHECK(rig.is_alone("other"));
}

TEST_CASE("a bridge that comes back has its messages, and owes the upstream what was retained meanwhile") {
    ChangeRig rig;
    rig.runs_bridges();
    rig.first().acknowledges = false;
    rig.local->publishes("plant/a", "1");
    REQUIRE(rig.until([&] { return rig.first().has("PUBLISH"); }));
    rig.bridges->remove("cloud", rig.now());
    SUBCASE("later") {
        REQUIRE(rig.until([&] { return rig.has_logged("bridge_session_left"); }));
        rig.local->publishes("plant/r", "2", true);
        rig.passes(1s);
    }
    SUBCASE("at once, before it has left") {}
    rig.first().acknowledges = true;
    rig.puts(rig.options);
    REQUIRE(rig.runs_again());
    CHECK(rig.until([&] { return rig.first().count("PUBLISH site/plant/a 1") == 2 && rig.waiting() == 0; }));
    CHECK(
        rig.until([&] { return rig.has_logged("bridge_session_left") == rig.first().has("PUBLISH site/plant/r 2"); }));
}

TEST_CASE("changed routes hold after one break, and the other bridges are not disturbed") {
    ChangeRig rig;
    rig.runs_bridges();
    rig.puts(rig.other_bridge());
    REQUIRE(rig.until([&] { return rig.second().has("SUBSCRIBE"); }));
    rig.local->publishes("plant/a", "1");
    REQUIRE(rig.until([&] { return rig.first().has("PUBLISH site/plant/a 1"); }));
    REQUIRE(rig.until([&] { return rig.waiting() == 0; }));
    rig.first().greeting = has_old_session;
    rig.puts(rig.with_filter("new/#"));
    REQUIRE(rig.runs_again());
    CHECK(rig.first().count("DISCONNECT") == 1);
    CHECK(rig.filters() == Filters{"new/#"});
    rig.local->publishes("new/a", "2");
    rig.local->publishes("plant/b", "3");
    CHECK(rig.until([&] { return rig.first().has("PUBLISH site/new/a 2"); }));
    CHECK(rig.until([&] { return rig.second().has("PUBLISH site/plant/b 3"); }));
    CHECK_FALSE(rig.first().has("PUBLISH site/plant/b"));
    CHECK(rig.second().accepted == 1);
    CHECK(rig.second().count("DISCONNECT") == 0);
    const BridgeFigures figures = rig.bridges->figures(rig.now()).front();
    CHECK(figures.connections == 2);  // since the start of the broker
    CHECK(figures.messages.out_done == 2);
}

TEST_CASE("a message that is under way during a change is not lost, and comes again with its packet id") {
    ChangeRig rig;
    rig.runs_bridges();
    rig.first().acknowledges = false;
    for (const char* payload : {"1", "2"}) rig.local->publishes("plant/a", payload);
    REQUIRE(rig.until([&] { return rig.first().count("PUBLISH") == 2; }));
    const std::vector<std::string> before = rig.first().received;
    rig.first().greeting = has_old_session;
    rig.first().forget();
    rig.first().acknowledges = true;
    UplinkOptions changed = rig.options;
    SUBCASE("other routes") { changed = rig.with_filter("plant/+"); }
    SUBCASE("another rate") { changed.rate_bytes_per_second = 100'000; }
    SUBCASE("another keep alive") { changed.relay.keep_alive_s = 7; }
    rig.puts(changed);
    REQUIRE(rig.runs_again());
    REQUIRE(rig.until([&] { return rig.waiting() == 0; }));
    for (const std::string& packet : before) {
        if (!packet.starts_with("PUBLISH")) continue;
        const auto is_same = [&](const std::string& one) { return one.starts_with(packet.substr(0, packet.size())); };
        CHECK_MESSAGE(std::ranges::count_if(rig.first().received, is_same) == 1, packet);
    }
    CHECK(rig.first().count("PUBLISH") == 2);
}

TEST_CASE("QoS 2 goes on across a change: the second half of the exchange follows, and the message comes once") {
    storage::MemoryStore store;
    ChangeRig rig(&store);
    rig.options.relay.routes[0].qos = QoS::exactly_once;
    rig.runs_bridges();
    rig.local->publishes("plant/a", "1", false, QoS::exactly_once);
    REQUIRE(rig.until([&] { return rig.first().has("PUBLISH site/plant/a 1"); }));
    const auto* const found = std::to_address(
        std::ranges::find_if(rig.first().received, [](const std::string& one) { return one.starts_with("PUBLISH"); }));
    const auto id = static_cast<std::uint16_t>(std::stoi(found->substr(found->find('#') + 1)));
    rig.first().sends(ack(PacketType::pubrec, id));
    REQUIRE(rig.until([&] { return rig.first().has("PUBREL"); }));
    rig.first().greeting = has_old_session;
    UplinkOptions changed = rig.with_filter("plant/+");
    rig.puts(changed);
    REQUIRE(rig.runs_again());
    CHECK(rig.until([&] { return rig.first().count("PUBREL " + std::to_string(id)) == 2; }));
    rig.first().sends(ack(PacketType::pubcomp, id));
    CHECK(rig.until([&] { return rig.waiting() == 0; }));
    CHECK(rig.first().count("PUBLISH") == 1);
}

TEST_CASE("of two changes shortly after each other the last one holds") {
    ChangeRig rig;
    rig.runs_bridges();
    rig.first().greeting = has_old_session;
    SUBCASE("in the same turn") {}
    SUBCASE("in the next turn") {
        rig.puts(rig.with_filter("b/#"));
        rig.turn();
    }
    SUBCASE("the first one changes nothing in the end") { rig.puts(rig.options); }
    SUBCASE("the bridge was removed in between") {
        rig.puts(rig.with_filter("b/#"));
        rig.bridges->remove("cloud", rig.now());
    }
    rig.puts(rig.with_filter("c/#"));
    CHECK(rig.until([&] { return rig.filters() == Filters{"c/#"}; }));
    CHECK(rig.until_stage(BridgeStage::running));
    rig.local->publishes("c/a", "1");
    CHECK(rig.until([&] { return rig.first().has("PUBLISH site/c/a 1"); }));
    rig.passes(1min);
    CHECK(rig.first().accepted <= 3);
    CHECK(rig.is_alone("cloud"));
}

TEST_CASE("a bridge can be removed or changed in each stage of its connection") {
    ChangeRig rig;
    SUBCASE("while the upstream is away") { rig.first().stops_listening(); }
    SUBCASE("while the upstream does not answer CONNECT") { rig.first().is_deaf = true; }
    SUBCASE("on demand, without a message") { rig.options.is_on_demand = true; }
    SUBCASE("in its first turn") {}
    rig.starts_bridges();
    SUBCASE("after some turns") {
        for (int i = 0; i < 5; ++i) rig.turn();
    }
    SUBCASE("after a while") { rig.passes(2s); }
    SUBCASE("at once") {}
    SUBCASE("removed") {
        rig.bridges->remove("cloud", rig.now());
        rig.passes(1min);
        CHECK(rig.bridges->figures(rig.now()).empty());
        CHECK(rig.filters() == Filters{});
        CHECK_FALSE(rig.wants_turn());
        CHECK(rig.next_deadline() == never);
    }
    SUBCASE("changed to another upstream") {
        UplinkOptions changed = rig.options;
        changed.servers = {rig.second().server()};
        changed.is_on_demand = false;
        rig.puts(changed);
        rig.passes(1min);
        CHECK(rig.until_stage(BridgeStage::running));
        rig.local->publishes("plant/a", "1");
        CHECK(rig.until([&] { return rig.second().has("PUBLISH site/plant/a 1"); }));
    }
}

TEST_CASE("an upstream that neither reads nor sends delays a change until it is left") {
    ChangeRig rig;
    rig.runs_bridges();
    rig.first().is_reading = false;
    UplinkOptions changed = rig.options;
    changed.servers = {rig.second().server()};
    rig.puts(changed);
    rig.passes(1min);
    CHECK(rig.until_stage(BridgeStage::running));
    CHECK(rig.second().accepted == 1);
}

TEST_CASE("a stop of the broker during a change ends everything and begins nothing") {
    ChangeRig rig;
    rig.runs_bridges();
    SUBCASE("of a bridge") { rig.puts(rig.with_filter("b/#")); }
    SUBCASE("that removes a bridge") { rig.bridges->remove("cloud", rig.now()); }
    SUBCASE("that adds a bridge") { rig.puts(rig.other_bridge()); }
    rig.bridges->stop(rig.now());
    CHECK(rig.until([&] { return rig.bridges->is_stopped(); }));
    rig.passes(1min);
    CHECK(rig.first().accepted == 1);
    CHECK(rig.first().count("DISCONNECT") == 1);
    CHECK(rig.second().accepted == 0);
    CHECK(rig.bridges->is_stopped());
}

/// The options of the two listeners of `cloud`, as ChangeRig's shard has them, with other filters of priority.
broker::Listeners listeners_with(const Filters& priority) {
    broker::Listeners listeners(2);
    listeners[0].name = "bridge:cloud";
    listeners[0].queue_rules = {.excluded = priority, .excluded_client = "$bridge/cloud/priority"};
    listeners[1].name = "bridge:cloud/priority";
    listeners[1].queue_rules = {.excluded_client = "$bridge/cloud", .only_empties = priority.empty()};
    for (broker::ListenerOptions& one : listeners) one.allow_anonymous = true;
    return listeners;
}

/// "topic payload" of the messages that the upstream has got; a message that came twice is there once.
std::set<std::string> messages_of(const FakeUpstream& upstream) {
    std::set<std::string> all;
    for (const std::string& packet : upstream.received)
        if (packet.starts_with("PUBLISH")) all.insert(packet.substr(8, packet.find(" q") - 8));
    return all;
}

TEST_CASE("other topics of priority change connections at one moment: no message leaves by both, and none is lost") {
    ChangeRig rig;
    rig.gets_lane();
    rig.runs_bridges();
    int published = 0;
    const auto publish_each = [&] {
        const std::string number = std::to_string(published++);
        for (const char* topic : {"plant/alarms/1", "plant/doors/1", "plant/press"})
            rig.local->publishes(topic, number);
    };
    publish_each();
    REQUIRE(rig.until([&] { return rig.first().count("PUBLISH") == 2 && rig.second().count("PUBLISH") == 1; }));
    for (FakeUpstream& upstream : rig.upstreams) upstream.greeting = has_old_session;
    UplinkOptions lane = *rig.lane;
    lane.relay.local_filters = {"plant/doors/#"};
    rig.bridges->put({{rig.options, lane}, listeners_with({"plant/doors/#"})}, rig.now());
    // A message in each turn, so that one comes in each step of the change.
    for (int i = 0; i < 60; ++i) {
        publish_each();
        rig.turn();
    }
    REQUIRE(rig.until_stage(BridgeStage::running));
    publish_each();
    CHECK(rig.until([&] { return rig.bridges->figures(rig.now()).front().queue_messages == 0; }));
    rig.settles();
    const std::set<std::string> first = messages_of(rig.first());
    const std::set<std::string> second = messages_of(rig.second());
    CHECK(first.size() + second.size() == 3 * static_cast<std::size_t>(published));
    for (const std::string& one : second) CHECK_MESSAGE(!first.contains(one), one);
    const std::string last = std::to_string(published - 1);
    CHECK(second.contains("site/plant/doors/1 " + last));
    CHECK(first.contains("site/plant/alarms/1 " + last));
    CHECK(second.contains("site/plant/alarms/1 0"));
    CHECK(rig.filters("$bridge/cloud/priority") == Filters{"plant/doors/#"});
}

TEST_CASE("without priority any more, the lane sends what waits and ends, and the topics go by the first connection") {
    ChangeRig rig;
    rig.gets_lane();
    rig.runs_bridges();
    rig.second().acknowledges = false;
    rig.local->publishes("plant/alarms/1", "1");
    REQUIRE(rig.until([&] { return rig.second().has("PUBLISH site/plant/alarms/1 1"); }));
    UplinkOptions lane = *rig.lane;
    lane.relay.local_filters.clear();
    lane.relay.only_empties = true;
    rig.second().acknowledges = true;
    rig.bridges->put({{rig.options, lane}, listeners_with({})}, rig.now());
    CHECK(rig.until([&] { return rig.has_logged("bridge_priority_left"); }));
    REQUIRE(rig.runs_again());
    CHECK(rig.until([&] { return !rig.shard.find_session("$bridge/cloud/priority"); }));
    CHECK(rig.bridges->figures(rig.now()).front().messages.out == 2);  // also what the lane has carried since
    CHECK(rig.bridges->figures(rig.now()).front().messages.out_done == 1);
    rig.local->publishes("plant/alarms/1", "2");
    CHECK(rig.until([&] { return rig.first().has("PUBLISH site/plant/alarms/1 2"); }));
    CHECK(rig.second().count("PUBLISH site/plant/alarms/1 1") == 2);
    CHECK(rig.second().count("PUBLISH site/plant/alarms/1 2") == 0);
}

TEST_CASE("what a lane has lost still counts when the lane has ended") {
    ChangeRig rig;
    rig.gets_lane();
    rig.second().stops_listening();
    rig.starts_bridges();
    REQUIRE(rig.until([&] { return !rig.filters("$bridge/cloud/priority").empty(); }));
    rig.local->publishes("plant/alarms/1", "1");
    REQUIRE(rig.until([&] { return rig.waiting("$bridge/cloud/priority") == 1; }));
    rig.passes(2min);
    UplinkOptions lane = *rig.lane;
    lane.relay.local_filters.clear();
    lane.relay.only_empties = true;
    broker::Listeners listeners = listeners_with({});
    listeners[1].queue_rules->age_max = 1min;
    rig.second().listens();
    rig.bridges->put({{rig.options, lane}, listeners}, rig.now());
    CHECK(rig.until([&] { return !rig.shard.find_session("$bridge/cloud/priority"); }));
    CHECK(rig.bridges->figures(rig.now()).front().queue.losses.expired == 1);
    rig.puts(rig.options, listeners_with({}));
    rig.passes(10s);
    CHECK(rig.bridges->figures(rig.now()).front().queue.losses.expired == 1);
}

TEST_CASE("last_value and age_max change for a queue that waits") {
    ChangeRig rig;
    rig.first().stops_listening();
    rig.starts_bridges();
    REQUIRE(rig.until_stage(BridgeStage::pausing));
    for (const char* payload : {"1", "2", "3"}) rig.local->publishes("plant/a", payload);
    rig.settles();
    CHECK(rig.waiting() == 3);
    broker::Listeners listeners = listeners_with({});
    listeners[0].queue_rules->last_value = {"plant/#"};
    rig.puts(rig.options, listeners);
    rig.passes(1s);
    for (const char* payload : {"4", "5", "6"}) rig.local->publishes("plant/a", payload);
    rig.settles();
    CHECK(rig.waiting() == 4);  // those from before, and the newest one

    listeners[0].queue_rules->last_value.clear();
    rig.puts(rig.options, listeners);
    rig.passes(1s);
    for (const char* payload : {"7", "8"}) rig.local->publishes("plant/a", payload);
    rig.settles();
    CHECK(rig.waiting() == 6);

    listeners[0].queue_rules->last_value = {"plant/#"};
    listeners[0].queue_rules->age_max = 1h;
    rig.puts(rig.options, listeners);
    rig.passes(1s);
    rig.local->publishes("plant/a", "9");
    rig.settles();
    CHECK(rig.waiting() == 7);
    rig.first().listens();
    rig.passes(10s);
    REQUIRE(rig.until_stage(BridgeStage::running));
    CHECK(rig.until([&] { return rig.waiting() == 0; }));
    CHECK(rig.first().count("PUBLISH") == 7);
    for (const char* payload : {"1", "2", "3", "6", "7", "8", "9"})
        CHECK(rig.first().has(std::string("PUBLISH site/plant/a ") + payload));
}

TEST_CASE("a smaller age_max holds for messages that wait already") {
    ChangeRig rig;
    rig.first().stops_listening();
    rig.starts_bridges();
    REQUIRE(rig.until_stage(BridgeStage::pausing));
    rig.local->publishes("plant/a", "old");
    rig.passes(2min);
    rig.local->publishes("plant/a", "new");
    broker::Listeners listeners = listeners_with({});
    listeners[0].queue_rules->age_max = 1min;
    rig.puts(rig.options, listeners);
    rig.first().listens();
    rig.passes(20s);
    REQUIRE(rig.until_stage(BridgeStage::running));
    CHECK(rig.until([&] { return rig.first().has("PUBLISH site/plant/a new"); }));
    CHECK_FALSE(rig.first().has("PUBLISH site/plant/a old"));
}

TEST_CASE("a bridge that the broker was started without finds the session of an earlier start, with its rules") {
    storage::MemoryStore store;
    {
        ChangeRig rig(&store);
        rig.first().stops_listening();
        rig.starts_bridges();
        REQUIRE(rig.until_stage(BridgeStage::pausing));
        rig.local->publishes("plant/a", "1");
        rig.settles();
    }
    session::ListenerOptions listener;
    listener.name = "bridge:cloud";
    listener.allow_anonymous = true;
    listener.queue_rules = {.last_value = {"plant/#"}};
    const auto image = store.load();
    REQUIRE(image.ok());
    broker::ShardOptions options;
    options.listeners.resize(1);
    options.durability.journal.is_enabled = true;
    broker::Shard shard(options, Log(), 1, *image, store.reader());
    REQUIRE(shard.find_queue("$bridge/cloud")->messages == 1);
    CHECK(shard.subscriptions_of("$bridge/cloud").empty());
    CHECK(shard.add_inner_listener(listener) == 1);
    CHECK(shard.find_queue("$bridge/cloud")->messages == 1);
}

}  // namespace
}  // namespace ledge::uplink
