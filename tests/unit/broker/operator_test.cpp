// Actions of an operator: kick, ban, clear a queue, publish, remove a session.
#include "ledge/broker/client_facts.hpp"
#include "ledge/broker/inspect.hpp"
#include "ledge/broker/listener_figures.hpp"
#include "ledge/broker/operator_actions.hpp"
#include "ledge/journal/publication.hpp"
#include "ledge/session/ending_log.hpp"
#include "level_rig.hpp"

namespace ledge::broker {
namespace {

TEST_CASE("a kicked client is told 0x98, its session stays, and it may come back") {
    Rig rig;
    rig["c"].connects(lasting).subscribes("t", qos1);
    CHECK(rig.shard->kick("c", rig.now) == Kicked::done);
    rig.settle();
    CHECK(rig["c"].takes().find("DISCONNECT administrative_action") != std::string::npos);
    CHECK_FALSE(rig["c"].is_open());
    CHECK(rig.shard->kick("c", rig.now) == Kicked::offline);
    CHECK(rig.shard->kick("nobody", rig.now) == Kicked::unknown);
    rig["c"].connects(lasting);
    CHECK(rig.metrics().subscriptions == 1);
}

TEST_CASE("a banned client is disconnected and refused with 0x8A until the ban ends; others are not") {
    Rig rig;
    rig["c"].connects(lasting);
    rig["other"].connects(lasting);
    BanSubject subject;
    subject.client_id = "c";
    subject.reason = "it floods the line";
    const Ban ban = rig.shard->ban(subject, 60s, rig.now).value();
    rig.settle();
    CHECK(rig["c"].takes().find("DISCONNECT administrative_action") != std::string::npos);
    CHECK(rig["other"].is_open());
    rig["c"].tries_to_connect(lasting);
    CHECK(rig["c"].takes().find("CONNACK banned") != std::string::npos);
    const auto refusals = rig.shard->inspector().refusals();
    CHECK(refusals.back()->rule == "ban 1 (client_id c): it floods the line");
    rig.passes(30s);
    REQUIRE(rig.shard->bans().size() == 1);
    CHECK(rig.shard->bans()[0].until - rig.now <= 30s);
    rig.passes(31s);
    CHECK(rig.shard->bans().empty());
    rig["c"].connects(lasting);
    CHECK(ban.number == 1);
}

TEST_CASE("a ban may name a user or an address, and can be lifted; MQTT 3 is told 5") {
    Rig rig;
    Wish alice{.version = v311};
    alice.proven = "alice";
    rig["a"].connects(alice);
    Wish near_by{.version = v311};
    near_by.address = "192.0.2.9:4711";
    rig["n"].connects(near_by);
    rig["other"].connects();
    CHECK(rig.shard->ban({.client_id = {}, .user = "alice", .address = {}, .reason = {}}, 60s, rig.now).has_value());
    CHECK(rig.shard->ban({.client_id = {}, .user = {}, .address = "192.0.2.9", .reason = {}}, 60s, rig.now));
    rig.settle();
    CHECK_FALSE(rig["a"].is_open());
    CHECK_FALSE(rig["n"].is_open());
    CHECK(rig["other"].is_open());
    rig["a"].forgets();
    rig["a"].tries_to_connect(alice);
    CHECK(rig["a"].takes().find("CONNACK") != std::string::npos);
    CHECK_FALSE(rig["a"].is_open());
    CHECK(rig.shard->lift_ban(1));
    CHECK_FALSE(rig.shard->lift_ban(1));
    rig["a"].connects(alice);
}

TEST_CASE("a ban concerns devices behind a gateway, and no part of this program") {
    ShardOptions options = plain_options();
    options.listeners.push_back({"sensors", true, 10, {}, 8});
    options.listeners[1].has_descriptors = false;
    options.listeners.push_back({"bridge:cloud", false, 10, {}, 8});
    Rig rig(options);
    Wish device;
    device.listener = 1;
    device.address = "192.0.2.9:4711";
    const Wish bridge{.listener = 2, .proven = "$bridge/cloud", .is_inner = true, .client_id = "$bridge/cloud"};
    rig["d"].connects(device);
    rig["b"].connects(bridge);
    CHECK(rig.shard->ban({.client_id = {}, .user = {}, .address = "192.0.2.9", .reason = {}}, 60s, rig.now));
    CHECK(rig.shard->ban({.client_id = {}, .user = "$bridge/cloud", .address = {}, .reason = {}}, 60s, rig.now));
    rig.settle();
    CHECK_FALSE(rig["d"].is_open());
    CHECK(rig["b"].is_open());
    rig["d"].forgets();
    rig["d"].tries_to_connect(device);
    CHECK(rig["d"].takes().find("CONNACK banned") != std::string::npos);
    rig["b"].loses_connection().connects(bridge);
    CHECK_FALSE(rig.shard->listener_figures()[1].is_inner);
    CHECK(rig.shard->listener_figures()[2].is_inner);
}

TEST_CASE("the table of bans is bounded; a second ban of a subject replaces the first") {
    Rig rig;
    BanSubject subject;
    for (int i = 0; i < 1024; ++i) {
        subject.client_id = "c" + std::to_string(i);
        REQUIRE(rig.shard->ban(subject, 60s, rig.now).has_value());
    }
    subject.client_id = "one more";
    CHECK_FALSE(rig.shard->ban(subject, 60s, rig.now).has_value());
    subject.client_id = "c7";
    CHECK(rig.shard->ban(subject, 600s, rig.now)->number == 8);
    rig.passes(61s);
    CHECK(rig.shard->bans().size() == 1);
    subject.client_id = "one more";
    CHECK(rig.shard->ban(subject, 60s, rig.now)->number == 1025);
}

TEST_CASE("a ban ends the connections of many clients in several turns") {
    ShardOptions options = plain_options();
    options.listeners[0].connections_max = 5000;
    Rig rig(options);
    for (int i = 0; i < 4500; ++i) rig["c" + std::to_string(i)].connects();
    CHECK(rig.shard->ban({.client_id = {}, .user = {}, .address = "192.0.2.1", .reason = {}}, 60s, rig.now));
    // The end of a connection is far more work than a look at it.
    CHECK(rig.metrics().clients_connected >= 4400);
    CHECK(rig.metrics().clients_connected < 4500);
    CHECK(rig.shard->next_deadline() <= rig.now);
    rig.passes(1s);
    CHECK(rig.metrics().clients_connected == 0);
}

TEST_CASE("a turn looks at fewer clients when many bans are in force") {
    ShardOptions options = plain_options();
    options.listeners[0].connections_max = 1000;
    Rig rig(options);
    for (int i = 0; i < 500; ++i) rig["c" + std::to_string(i)].connects();
    BanSubject subject;
    for (int i = 0; i < 1024; ++i) {
        subject.client_id = "nobody" + std::to_string(i);
        REQUIRE(rig.shard->ban(subject, 60s, rig.now).has_value());
    }
    CHECK(rig.shard->next_deadline() <= rig.now);  // a walk is under way
    rig.passes(1s);
    CHECK(rig.shard->next_deadline() > rig.now);
}

std::uint64_t clear_all(Rig& rig, std::string_view client_id) {
    QueueClearing clearing;
    clearing.client_id = client_id;
    for (int turns = 0; !rig.shard->clear_queue(clearing, rig.now); ++turns) {
        REQUIRE(turns < 100);
        rig.commits();
    }
    return clearing.messages;
}

TEST_CASE("a cleared queue stays empty after a restart, also the part that only the store had; the count is told") {
    ShardOptions options = stored_options();
    options.listeners[0].limits.queue_window_messages = 10;
    Rig rig(options);
    rig["c"].connects(lasting).subscribes("t", qos2).loses_connection();
    rig["p"].connects(lasting);
    for (int i = 0; i < 2500; ++i) rig["p"].publishes("t", "x", i % 2 == 0 ? qos1 : qos2);
    rig.passes(2s);
    REQUIRE(rig.counters().queued_messages == 2500);
    CHECK(clear_all(rig, "c") == 2500);
    CHECK(rig.counters().queued_messages == 0);
    CHECK(rig.counters().queued_bytes == 0);
    CHECK(rig.counters().dropped_cleared == 2500);
    CHECK(rig.log.count("queue_cleared") == 1);
    CHECK(rig.shard->inspector().client("c")->losses.cleared == 2500);
    rig.commits();
    rig.restarts();
    CHECK(rig.counters().queued_messages == 0);
    // The client gets what comes from now on.
    rig["p"].connects(lasting).publishes("t", "new", qos1);
    rig["c"].connects(lasting);
    rig.passes(1s);
    CHECK(rig["c"].takes().find("PUBLISH t new") != std::string::npos);
}

TEST_CASE("messages that were not committed yet are cleared too, and their publisher gets its acknowledgement") {
    LevelRig rig(Durability::durable);
    CHECK(rig.publishes("a", qos1).empty());  // the commit is not done
    QueueClearing clearing;
    clearing.client_id = "s";
    CHECK(rig.shard->clear_queue(clearing, rig.now));
    rig.settle();
    CHECK(clearing.messages == 1);
    CHECK(rig["p"].takes().find("PUBACK") != std::string::npos);
    rig.commits();
    CHECK(rig.survivors() == 0);
}

TEST_CASE("exchanges that have begun go on although the queue was cleared") {
    Rig rig(stored_options());
    Wish wish = lasting;
    wish.receive_maximum = 2;
    rig["c"].connects(wish).subscribes("t", qos2);
    rig["p"].connects(lasting);
    for (const char* text : {"1", "2", "3", "4"}) rig["p"].publishes("t", text, qos2);
    rig.passes(1s);
    CHECK(rig["c"].takes().find("PUBLISH t 2 q2#2") != std::string::npos);
    rig["c"].recs(1);
    CHECK(clear_all(rig, "c") == 2);
    CHECK(rig.counters().queued_messages == 2);
    // After a restart both exchanges are still there, and no message behind them.
    rig.passes(1s);
    rig.restarts();
    rig["c"].connects(wish);
    const std::string got = rig["c"].takes();
    CHECK(got.find("PUBREL 1") != std::string::npos);
    CHECK(got.find("PUBLISH t 2 q2#2 dup") != std::string::npos);
    CHECK(got.find("PUBLISH t 3") == std::string::npos);
    // The same with the exchanges at the front of a queue that was read back.
    rig["c"].loses_connection();
    rig["p"].connects(lasting).publishes("t", "5", qos1);
    rig.passes(1s);
    rig.restarts();
    CHECK(clear_all(rig, "c") == 1);
    rig["c"].connects(wish);
    rig["c"].comps(1);
    CHECK(rig["c"].takes().find("PUBLISH t 5") == std::string::npos);
}

TEST_CASE("a client that begins a new session while its queue is cleared keeps the messages of that session") {
    Rig rig(stored_options());
    rig["c"].connects(lasting).subscribes("t", qos1).loses_connection();
    rig["p"].connects(lasting);
    for (int i = 0; i < 1500; ++i) rig["p"].publishes("t", "old", qos1);
    rig.passes(2s);
    QueueClearing clearing;
    clearing.client_id = "c";
    REQUIRE_FALSE(rig.shard->clear_queue(clearing, rig.now));
    Wish clean = lasting;
    clean.clean = true;
    rig["c"].connects(clean).subscribes("t", qos1).loses_connection();
    rig["p"].publishes("t", "new", qos1);
    rig.passes(2s);
    CHECK(rig.shard->clear_queue(clearing, rig.now));
    CHECK(clearing.messages == 1000);
    CHECK(rig.counters().queued_messages == 1);
}

TEST_CASE("clearing the queue of nobody says so") {
    Rig rig;
    QueueClearing clearing;
    clearing.client_id = "nobody";
    CHECK(rig.shard->clear_queue(clearing, rig.now));
    CHECK(clearing.is_unknown);
}

journal::PublicationView operator_message(std::string_view topic, std::string_view payload, QoS qos,
                                          bool retain = false) {
    return {topic, as_bytes(payload), {}, never, qos, retain, {}};
}

TEST_CASE("an operator's message reaches its subscribers and is durable when the store has it") {
    LevelRig rig(Durability::durable);
    rig["live"].connects().subscribes("a", qos0);
    const OperatorPublication sent = rig.shard->publish(operator_message("a", "x", qos1), rig.now);
    CHECK(sent.code == ReasonCode::success);
    CHECK(sent.matched == 2);
    CHECK(rig.shard->durability_of(sent.ticket) == Durable::pending);
    rig.settle();
    CHECK(rig["live"].takes() == "PUBLISH a x");
    rig.commits();
    CHECK(rig.shard->durability_of(sent.ticket) == Durable::yes);
    CHECK(rig.survivors() == 1);
    CHECK(rig.shard->publish(operator_message("b/none", "x", qos0), rig.now).matched == 1);  // "s" has subscribed to #
}

TEST_CASE("an operator's message is never durable when the store fails, and later ones are refused") {
    LevelRig rig(Durability::durable);
    const OperatorPublication sent = rig.shard->publish(operator_message("a", "x", qos1), rig.now);
    rig.fails();
    CHECK(rig.shard->durability_of(sent.ticket) == Durable::never);
    CHECK(wire::is_error(rig.shard->publish(operator_message("a", "x", qos1), rig.now).code));
}

TEST_CASE("an operator retains a message and removes it; the limits of retained messages hold") {
    ShardOptions options = plain_options();
    options.retained.messages_max = 1;
    Rig rig(options);
    CHECK_FALSE(wire::is_error(rig.shard->publish(operator_message("a", "x", qos1, true), rig.now).code));
    CHECK(rig.metrics().retained_messages == 1);
    CHECK(rig.shard->publish(operator_message("b", "x", qos1, true), rig.now).code == ReasonCode::quota_exceeded);
    CHECK_FALSE(wire::is_error(rig.shard->publish(operator_message("a", "", qos1, true), rig.now).code));
    CHECK(rig.metrics().retained_messages == 0);
}

TEST_CASE("an operator removes a session: its client is told 0x98, and nothing of it comes back") {
    Rig rig(stored_options());
    rig["c"].connects(lasting).subscribes("t", qos1);
    rig["away"].connects(lasting).subscribes("t", qos1).loses_connection();
    rig["p"].connects().publishes("t", "1", qos1);
    CHECK(rig.shard->remove_session("c", rig.now));
    CHECK(rig.shard->remove_session("away", rig.now));
    CHECK_FALSE(rig.shard->remove_session("nobody", rig.now));
    rig.settle();
    CHECK(rig["c"].takes().find("DISCONNECT administrative_action") != std::string::npos);
    CHECK_FALSE(rig["c"].is_open());
    CHECK(rig.log.count("session_removed") == 2);
    rig.restarts();
    CHECK(rig.metrics().sessions == 0);
    rig["c"].tries_to_connect(lasting);
    CHECK(rig["c"].takes() == "CONNACK success");
}

}  // namespace
}  // namespace ledge::broker
