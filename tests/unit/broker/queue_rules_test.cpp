// Rules of a session's queue (session/queue_rules.hpp), with a store behind it that forgets what was not committed. The
// rules between two sessions are in excluded_topics_test.cpp.
#include <string>
#include <vector>

#include "ledge/session/limits.hpp"
#include "rules_rig.hpp"

namespace ledge::broker {
namespace {

// ---------------------------------------------------------------------------------------------------------------------
// age_max

TEST_CASE("a message that is older than age_max is not sent, counted as expired, and younger ones are sent") {
    for (const bool has_store : {true, false}) {
        CAPTURE(has_store);
        RulesRig rig({.age_max = 60s}, has_store);
        for (const char* payload : {"1", "2", "3", "4"}) rig.publishes("t", payload);
        rig.passes(40s);
        rig.publishes("t", "5");
        rig.passes(30s);
        CHECK(rig.gets() == "t 5");
        CHECK(rig.counters().dropped_expired == 4);
        rig.is_empty();
    }
}

TEST_CASE("the age counts on through a crash and through a clean stop, with the time believed to have passed") {
    for (const bool is_killed : {true, false}) {
        CAPTURE(is_killed);
        RulesRig rig({.age_max = 60s});
        for (const char* payload : {"1", "2", "3"}) rig.publishes("old", payload);
        rig.passes(30s);
        for (const char* payload : {"4", "5", "6"}) rig.publishes("new", payload);
        rig.passes(2s);
        // A kill loses the two seconds since the last commit, which the calendar gives back.
        if (is_killed)
            rig.restarts(12s);
        else
            rig.stops_and_starts();
        rig.passes(is_killed ? 25s : 32s);
        CHECK(rig.gets() == "new 4, new 5, new 6");
        CHECK(rig.counters().dropped_expired == 3);
        rig.is_empty();
    }
}

TEST_CASE("[MQTT-3.3.2-6] the receiver gets what is left of the message's own expiry, and none if it had none") {
    RulesRig rig({.age_max = 60s});
    wire::PropertyBuilder brief;
    brief.number(PropertyId::message_expiry_interval, 20);
    wire::PropertyBuilder longer;
    longer.number(PropertyId::message_expiry_interval, 600);
    rig.publishes("brief", "1", qos1, brief);
    rig.publishes("long", "2", qos1, longer);
    rig.publishes("endless", "3");
    rig.passes(30s);
    rig["bridge"].connects(RulesRig::bridge());
    rig.passes(20ms);  // the record of the session must be safe before the first message leaves
    CHECK(rig["bridge"].takes() == "PUBLISH long 2 q1#2 {02=570} | PUBLISH endless 3 q1#3");
    CHECK(rig.counters().dropped_expired == 1);
}

TEST_CASE("[MQTT-4.4.0-1] a message that was sent is finished, however old it is") {
    for (const QoS qos : {qos1, qos2}) {
        RulesRig rig({.age_max = 60s});
        rig["bridge"].connects(RulesRig::bridge());
        rig.publishes("t", "1", qos);
        rig.passes(1s);
        CHECK(rig["bridge"].takes().starts_with("PUBLISH t 1"));
        rig["bridge"].loses_connection();
        rig.stops_and_starts();
        rig.sender();
        rig.passes(100s);
        rig["bridge"].connects(RulesRig::bridge());
        rig.passes(1s);
        CHECK(rig["bridge"].takes().starts_with("PUBLISH t 1"));
        CHECK(rig.counters().dropped_expired == 0);
    }
}

TEST_CASE("messages that are too old make room in a full queue") {
    ShardOptions options = with_rules({.age_max = 60s});
    options.listeners[1].limits.queue_stored_messages_max = 2;
    RulesRig rig(options);
    for (const char* payload : {"1", "2", "3"}) rig.publishes("t", payload);
    CHECK(rig.counters().dropped_queue_full == 1);
    rig.passes(61s);
    for (const char* payload : {"4", "5"}) rig.publishes("t", payload);
    CHECK(rig.gets() == "t 4, t 5");
    CHECK(rig.counters().dropped_expired == 2);
    CHECK(rig.counters().dropped_queue_full == 1);
}

TEST_CASE("messages that are too old make room also when only the store has them, whatever the queue does when full") {
    using session::OverflowPolicy;
    for (const auto policy : {OverflowPolicy::drop_oldest, OverflowPolicy::drop_newest, OverflowPolicy::refuse}) {
        ShardOptions options = with_rules({.age_max = 60s});
        options.listeners[1].limits.queue_stored_messages_max = 5;
        options.listeners[1].limits.overflow = policy;
        RulesRig rig(options);
        for (const char* payload : {"1", "2", "3", "4", "5"}) rig.publishes("t", payload);
        rig.passes(2s);
        rig.stops_and_starts();
        rig.sender();
        rig.passes(61s);
        for (const char* payload : {"6", "7"}) rig.publishes("t", payload);
        CHECK(rig.counters().dropped_queue_full == 0);
        CHECK(rig.counters().refused_quota == 0);
        CHECK(rig.gets() == "t 6, t 7");
        CHECK(rig.counters().dropped_expired == 5);
        rig.is_empty();
    }
}

TEST_CASE("a changed age_max holds for the messages that wait already") {
    RulesRig rig(session::QueueRules{});
    rig.publishes("old", "1");
    rig.passes(50s);
    rig.publishes("new", "2");
    rig.passes(2s);
    rig.restarts_with(with_rules({.age_max = 40s}));
    CHECK(rig.gets() == "new 2");
}

// ---------------------------------------------------------------------------------------------------------------------
// last_value

TEST_CASE(
    "last_value that changes while the broker runs holds for what comes later, wherever the earlier messages are") {
    for (const std::uint32_t window : {1U, 3U, 1000U}) {
        CAPTURE(window);
        ShardOptions options = with_rules({.last_value = {"t/#"}});
        options.listeners[1].limits.queue_window_messages = window;
        RulesRig rig(options);
        const auto changes = [&](const session::QueueRules& rules) {
            options.listeners[1].queue_rules = rules;
            rig.shard->set_limits(options.listeners);
        };
        const auto publish_each = [&](const char* payload) {
            for (const char* topic : {"t/1", "t/2", "t/3"}) rig.publishes(topic, payload);
            rig.passes(1s);
        };
        publish_each("1");
        publish_each("2");
        CHECK(rig.queued() == 3);
        changes({});
        publish_each("3");
        CHECK(rig.queued() == 6);
        changes({.last_value = {"t/#"}});
        publish_each("4");
        publish_each("5");
        CHECK(rig.queued() == 9);
        changes({.last_value = {"t/1", "t/2"}});
        changes({.last_value = {"t/#"}});
        publish_each("6");
        CHECK(rig.queued() == 12);
        CHECK(rig.gets() == "t/1 2, t/2 2, t/3 2, t/1 3, t/2 3, t/3 3, t/1 5, t/2 5, t/3 5, t/1 6, t/2 6, t/3 6");
        rig.is_empty();
    }
}

TEST_CASE("an earlier value that leaves a full queue for the newer one counts as replaced") {
    ShardOptions options = with_rules({.last_value = {"t"}});
    options.listeners[1].limits.queue_stored_bytes_max = 60;
    options.listeners[1].limits.overflow = session::OverflowPolicy::drop_oldest;
    RulesRig rig(options);
    rig.publishes("t", "1");
    rig.publishes("u", std::string(30, 'u'));
    rig.publishes("t", std::string(40, '2'));  // fits only when both have left
    CHECK(rig.counters().dropped_replaced == 1);
    CHECK(rig.counters().dropped_queue_full == 1);
    CHECK(rig.gets() == "t " + std::string(40, '2'));
    rig.is_empty();
}

TEST_CASE("of the topics of last_value, the newest message waits; others wait all, and the order is that of arrival") {
    for (const bool has_store : {true, false}) {
        CAPTURE(has_store);
        RulesRig rig({.last_value = {"+/status"}}, has_store);
        for (const char* payload : {"1", "2", "3"}) {
            rig.publishes("a/status", payload);
            rig.publishes("b/status", payload);
            rig.publishes("a/data", payload);
        }
        CHECK(rig.queued() == 5);
        CHECK(rig.counters().dropped_replaced == 4);
        CHECK(rig.counters().dropped() == 4);
        CHECK(rig.gets() == "a/data 1, a/data 2, a/status 3, b/status 3, a/data 3");
        rig.is_empty();
    }
}

TEST_CASE("the oldest row of a queue is that of a message which still waits, when earlier ones were replaced") {
    RulesRig rig({.last_value = {"s/#"}});
    const auto oldest = [&] { return rig.shard->find_queue("$bridge/cloud")->oldest_row.value(); };
    for (const char* topic : {"s/1", "s/2", "s/3", "s/4"}) rig.publishes(topic, "1");
    rig.passes(1s);
    rig.stops_and_starts();
    rig.sender();
    CHECK(oldest() == 1);
    for (const char* topic : {"s/2", "s/1"}) rig.publishes(topic, "2");
    CHECK(oldest() == 3);
    rig.passes(1s);
    for (const char* topic : {"s/3", "s/4"}) rig.publishes(topic, "2");
    CHECK(oldest() == 5);
    CHECK(rig.gets() == "s/2 2, s/1 2, s/3 2, s/4 2");
    rig.is_empty();
}

TEST_CASE("the store keeps no message that was replaced, so a queue of last values does not grow") {
    RulesRig rig({.last_value = {"#"}});
    for (int i = 0; i < 500; ++i) {
        rig.publishes("a", std::to_string(i));
        rig.publishes("b", std::to_string(i));
        rig.publishes("c", std::to_string(i));
        if (i % 7 == 0) rig.passes(100ms);
    }
    rig.passes(2s);
    CHECK(rig.queued() == 3);
    rig.restarts();
    CHECK(rig.queued() == 3);
    CHECK(rig.gets() == "a 499, b 499, c 499");
    rig.is_empty();
}

/// A message waits in each of two topics, then `more` newer ones come. Their commit is complete or not when the broker
/// is killed. `window` = the messages that are also in memory.
void crashes_after(int more, bool is_complete, std::uint32_t window) {
    CAPTURE(more);
    CAPTURE(is_complete);
    ShardOptions options = with_rules({.last_value = {"t/#"}});
    options.listeners[1].limits.queue_window_messages = window;
    RulesRig rig(options);
    std::vector<std::string> waiting{"fill 1", "fill 2", "t/1 old", "t/2 old"};
    for (const char* payload : {"1", "2"}) rig.publishes("fill", payload);
    for (const char* topic : {"t/1", "t/2"}) rig.publishes(topic, "old");
    rig.passes(1s);
    rig.writes = false;
    for (int i = 0; i < more; ++i) {
        const auto id = static_cast<wire::PacketId>(100 + i);
        const std::string topic = i % 2 == 0 ? "t/1" : "t/2";
        const std::string payload = std::to_string(i);
        rig["p"].sends(encoded(wire::Publish{topic, as_bytes(payload), qos1, false, false, id, {}}, v5));
        if (!is_complete) continue;
        std::erase_if(waiting, [&](const std::string& one) { return one.starts_with(topic); });
        waiting.push_back(topic + " " + payload);
    }
    if (is_complete) rig.commits();
    rig.restarts();
    rig.writes = true;
    std::string expected;
    for (const std::string& one : waiting) expected += (expected.empty() ? "" : ", ") + one;
    CHECK(rig.gets() == expected);
    rig.is_empty();
}

TEST_CASE("a crash leaves the newest message of a topic whose commit was complete, once") {
    for (const std::uint32_t window : {2U, 100U}) {
        for (int more = 0; more < 6; ++more) {
            crashes_after(more, false, window);
            crashes_after(more, true, window);
        }
    }
}

TEST_CASE("a commit that the crash tears apart never loses both messages of a topic") {
    for (std::size_t records = 0; records < 5; ++records) {
        CAPTURE(records);
        RulesRig rig({.last_value = {"t"}});
        rig.publishes("t", "old");
        rig.passes(1s);
        rig.writes = false;
        rig["p"].sends(encoded(wire::Publish{"t", as_bytes("new"), qos1, false, false, 77, {}}, v5));
        rig.restarts_torn(records);
        rig.writes = true;
        const std::string got = rig.gets();
        CHECK((got == "t old" || got == "t new"));
    }
}

TEST_CASE("PUBACK of a replaced message waits until the newer one is safe") {
    RulesRig rig({.last_value = {"t"}});
    rig.writes = false;
    rig["p"].sends(encoded(wire::Publish{"t", as_bytes("1"), qos1, false, false, 1, {}}, v5));
    rig["p"].sends(encoded(wire::Publish{"t", as_bytes("2"), qos1, false, false, 2, {}}, v5));
    rig.passes(1s);
    CHECK(rig["p"].takes().empty());
    CHECK(rig.counters().dropped_replaced == 1);
    rig.writes = true;
    rig.passes(1s);
    CHECK(rig["p"].takes() == "PUBACK 1 | PUBACK 2");
    CHECK(rig.gets() == "t 2");
    rig.is_empty();
}

TEST_CASE("a newer message after a start replaces one from before it, in memory and in the tail") {
    for (const bool is_killed : {true, false}) {
        RulesRig rig({.last_value = {"+/status"}});
        for (const char* topic : {"a/status", "x", "y", "z", "b/status", "c/status"}) rig.publishes(topic, "old");
        rig.passes(1s);
        if (is_killed)
            rig.restarts();
        else
            rig.stops_and_starts();
        rig.sender();
        rig.publishes("b/status", "new");
        rig.publishes("a/status", "new");
        CHECK(rig.queued() == 6);
        CHECK(rig.counters().dropped_replaced == 2);
        CHECK(rig.gets() == "x old, y old, z old, c/status old, b/status new, a/status new");
        rig.is_empty();
    }
}

TEST_CASE("a rule that is new after a start removes what the store has too much") {
    RulesRig rig(session::QueueRules{});
    for (const char* payload : {"1", "2", "3"})
        for (const char* topic : {"a/status", "b/data"}) rig.publishes(topic, payload);
    rig.passes(1s);
    rig.restarts_with(with_rules({.last_value = {"+/status"}}));
    CHECK(rig.queued() == 4);
    CHECK(rig.counters().dropped_replaced == 2);
    CHECK(rig.gets() == "b/data 1, b/data 2, a/status 3, b/data 3");
    rig.is_empty();
}

TEST_CASE("[MQTT-4.4.0-1] a message that was sent is not replaced; the newer one follows") {
    for (const bool has_restart : {true, false}) {
        for (const QoS qos : {qos1, qos2}) {
            RulesRig rig({.last_value = {"t"}});
            rig["bridge"].connects(RulesRig::bridge());
            rig.publishes("t", "1", qos);
            rig.passes(1s);
            CHECK(rig["bridge"].takes().starts_with("PUBLISH t 1"));
            rig["bridge"].loses_connection();
            if (has_restart) rig.stops_and_starts();
            rig.sender();
            for (const char* payload : {"2", "3", "4"}) rig.publishes("t", payload, qos);
            rig.passes(1s);
            CHECK(rig.counters().dropped_replaced == 2);
            CHECK(rig.gets() == "t 1, t 4");
            rig.is_empty();
        }
    }
}

TEST_CASE("a full queue takes a message whose earlier one gives its place, whatever the policy is") {
    using session::OverflowPolicy;
    for (const auto policy : {OverflowPolicy::drop_oldest, OverflowPolicy::drop_newest, OverflowPolicy::refuse}) {
        ShardOptions options = with_rules({.last_value = {"t"}});
        options.listeners[1].limits.queue_stored_messages_max = 3;
        options.listeners[1].limits.overflow = policy;
        RulesRig rig(options);
        for (const char* topic : {"a", "t", "b"}) rig.publishes(topic, "1");
        rig.publishes("t", "2");
        CHECK(rig.counters().dropped_queue_full == 0);
        CHECK(rig.counters().refused_quota == 0);
        CHECK(rig.gets() == "a 1, b 1, t 2");
        rig.is_empty();
    }
}

TEST_CASE("older messages make room for a newer one of a topic as far as the earlier one leaves too little") {
    ShardOptions options = with_rules({.last_value = {"t"}});
    options.listeners[1].limits.queue_stored_bytes_max = 60;
    options.listeners[1].limits.overflow = session::OverflowPolicy::drop_oldest;
    RulesRig rig(options);
    for (const char* topic : {"a", "b", "c", "t", "d"}) rig.publishes(topic, "123456789");
    rig.passes(1s);
    rig.publishes("t", std::string(44, 'x'));
    CHECK(rig.counters().dropped_queue_full == 3);
    CHECK(rig.counters().dropped_replaced == 1);
    CHECK(rig.queued() == 2);
    CHECK(rig.gets() == "d 123456789, t 44B");
    rig.is_empty();
}

TEST_CASE("a newer message that finds no room leaves the earlier one in its place, in memory and in the tail") {
    using session::OverflowPolicy;
    for (const auto policy : {OverflowPolicy::drop_oldest, OverflowPolicy::drop_newest, OverflowPolicy::refuse}) {
        for (const int before : {0, 3}) {
            CAPTURE(before);
            ShardOptions options = with_rules({.last_value = {"t"}});
            options.listeners[1].limits.queue_stored_bytes_max = 100;
            options.listeners[1].limits.overflow = policy;
            RulesRig rig(options);
            std::string expected;
            for (int i = 0; i < before; ++i) {
                rig.publishes("a", std::to_string(i));
                expected += "a " + std::to_string(i) + ", ";
            }
            rig.publishes("t", "old");
            rig.passes(1s);
            rig.publishes("t", std::string(200, 'x'));
            CHECK(rig.counters().dropped_replaced == 0);
            CHECK(rig.queued() == static_cast<std::uint64_t>(before) + 1);
            rig.passes(2s);
            rig.restarts();
            CHECK(rig.gets() == expected + "t old");
            rig.is_empty();
        }
    }
}

TEST_CASE("messages leave the queue while others are replaced, and the counts stay right") {
    RulesRig rig({.last_value = {"s/#"}});
    rig["bridge"].acknowledges();
    for (int round = 0; round < 20; ++round) {
        for (int i = 0; i < 10; ++i) {
            rig.publishes("s/" + std::to_string(i % 4), std::to_string(i));
            rig.publishes("d", std::to_string(i), i % 3 == 0 ? qos2 : qos1);
        }
        if (round % 3 == 0) rig.passes(1s);
        const std::string got = rig.gets();
        CHECK(got.find("s/3 7") != std::string::npos);
        CHECK(got.find("s/3 3") == std::string::npos);
        rig["bridge"].loses_connection();
        CHECK(rig.queued() == 0);
    }
    CHECK(rig.counters().dropped_replaced == 20 * 6);
    rig.is_empty();
}

TEST_CASE("a session without rules keeps every message") {
    RulesRig rig(session::QueueRules{.age_max = 1s, .last_value = {"#"}});
    rig["other"].connects(lasting).subscribes("#", qos1).loses_connection();
    for (const char* payload : {"1", "2", "3"}) rig.publishes("t", payload);
    rig.passes(10s);
    rig["other"].connects(lasting);
    rig.passes(20ms);
    CHECK(rig["other"].takes() == "PUBLISH t 1 q1#1 | PUBLISH t 2 q1#2 | PUBLISH t 3 q1#3");
}

}  // namespace
}  // namespace ledge::broker
