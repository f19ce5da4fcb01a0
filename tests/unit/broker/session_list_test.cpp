// Sessions as operators see them, and the end of one that they remove.
#include "rig.hpp"

namespace ledge::broker {
namespace {

std::string ids(Rig& rig, std::string_view after, std::size_t count_max) {
    std::string out;
    for (const SessionFacts& facts : rig.shard->list_sessions(after, count_max))
        out += (out.empty() ? "" : " ") + std::string(facts.client_id);
    return out;
}

TEST_CASE("sessions are listed in the order of their client ids, a page at a time") {
    Rig rig;
    for (const char* name : {"d", "a", "e", "c", "b"}) rig[name].connects(lasting);
    CHECK(ids(rig, "", 10) == "a b c d e");
    CHECK(ids(rig, "", 2) == "a b");
    CHECK(ids(rig, "b", 2) == "c d");
    CHECK(ids(rig, "bb", 2) == "c d");
    CHECK(ids(rig, "d", 2) == "e");
    CHECK(ids(rig, "e", 2).empty());
}

TEST_CASE("a session tells whose it is, what it holds and how long it stays") {
    Rig rig(stored_options());
    Wish wish = lasting;
    wish.proven = "alice";
    rig["c"].connects(wish).subscribes("t", qos1).subscribes("u", qos1);
    CHECK(rig.shard->list_sessions("", 1).at(0).is_connected);
    CHECK_FALSE(rig.shard->list_sessions("", 1).at(0).address.empty());
    CHECK_FALSE(rig.shard->list_sessions("", 1).at(0).expires_in.has_value());
    rig["c"].loses_connection();
    rig["p"].connects().publishes("t", "1", qos1);
    rig.passes(600s);
    const SessionFacts facts = rig.shard->list_sessions("", 1).at(0);
    CHECK(facts.client_id == "c");
    CHECK(facts.owner == "alice");
    CHECK_FALSE(facts.is_connected);
    CHECK(facts.subscriptions == 2);
    CHECK(facts.messages == 1);
    REQUIRE(facts.expires_in.has_value());
    CHECK(*facts.expires_in <= 3000s);
    CHECK(*facts.expires_in > 2900s);
}

TEST_CASE("the queue of a session tells what has come, what waits, and what is lost by which reason") {
    ShardOptions options = stored_options();
    options.listeners[0].limits.queue_stored_messages_max = 3;
    options.listeners[0].limits.overflow = session::OverflowPolicy::drop_oldest;
    Rig rig(options);
    rig["c"].connects(lasting).subscribes("t", qos1);
    CHECK_FALSE(rig.shard->find_queue("nobody").has_value());
    rig["p"].connects();
    rig["p"].publishes("t", "1", qos1);
    rig.settle();
    QueueFacts facts = rig.shard->find_queue("c").value();
    CHECK(facts.messages == 1);  // under way
    CHECK(facts.waiting_messages == 0);
    CHECK(facts.bytes == 2);
    CHECK(facts.last_row.value() == 1);
    CHECK(facts.oldest_row.value() == 1);
    rig["c"].loses_connection();
    for (const char* text : {"22", "33", "44", "55"}) rig["p"].publishes("t", text, qos1);
    rig.settle();
    facts = rig.shard->find_queue("c").value();
    CHECK(facts.messages == 4);
    CHECK(facts.waiting_messages == 3);
    CHECK(facts.waiting_bytes == 9);
    CHECK(facts.bytes == 11);
    CHECK(facts.last_row.value() == 5);
    CHECK(facts.oldest_row.value() == 1);
    CHECK(facts.arrived_bytes == 2 + 4 * 3);
    CHECK(facts.losses.queue_full == 1);
    CHECK(facts.losses.removed_messages == 1);
    CHECK(facts.losses.removed_bytes == 3);
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
