// What waits for the store and what does not, by level and topic; what survives; and what happens when it fails or is
// nearly full.
#include "level_rig.hpp"

#include "ledge/journal/journal_options.hpp"

namespace ledge::broker {
namespace {

TEST_CASE("durable: PUBACK and PUBREC wait for the commit, and all that they say survives") {
    LevelRig rig(Durability::durable);
    CHECK(rig.publishes("a", qos1).empty());
    CHECK(rig.publishes("a", qos2).empty());
    rig.commits();
    CHECK(rig["p"].takes() == "PUBACK 1 | PUBREC 2");
    CHECK(rig.survivors() == 2);
}

TEST_CASE("durable: what is not acknowledged does not survive") {
    LevelRig rig(Durability::durable);
    rig.publishes("a", qos1);
    CHECK(rig.survivors() == 0);
}

TEST_CASE("durable: a subscriber that acknowledges in time makes the commit unnecessary; QoS 2 cannot") {
    LevelRig rig(Durability::durable);
    rig["s"].connects(lasting).acknowledges();
    rig.commits();
    const std::uint64_t before = rig.store->records();
    CHECK(rig.publishes("a", qos1) == "PUBACK 1");
    CHECK(rig.shard->commit_deadline() == never);
    CHECK(rig.store->records() == before);
    CHECK(rig.publishes("a", qos2).empty());
    rig.commits();
    CHECK(rig["p"].takes() == "PUBREC 2");
}

TEST_CASE("durable: one subscriber of two that has not acknowledged is enough to wait for") {
    LevelRig rig(Durability::durable);
    rig.writes = true;
    rig["s"].connects(lasting).acknowledges();
    rig["t"].connects(lasting).subscribes("a", qos1);
    rig.passes(2s);
    rig.writes = false;
    CHECK(rig.publishes("a", qos1).empty());
    rig["t"].acks(1);
    CHECK(rig["p"].takes() == "PUBACK 1");
}

TEST_CASE("durable: a retained message is written, whoever acknowledges it") {
    LevelRig rig(Durability::durable);
    rig["s"].connects(lasting).acknowledges();
    rig.commits();
    CHECK(rig.publishes("r", qos1, true).empty());
    rig.commits();
    CHECK(rig["p"].takes() == "PUBACK 1");
    rig.restarts();
    CHECK(rig.metrics().retained_messages == 1);
}

TEST_CASE("relaxed: nobody waits, and after the commit interval it is safe") {
    LevelRig rig(Durability::relaxed);
    CHECK(rig.publishes("a", qos1) == "PUBACK 1");
    CHECK_FALSE(rig.shard->wants_commit(rig.now));
    CHECK(rig.shard->commit_deadline() == rig.now + journal::JournalOptions{}.lazy_interval);
    CHECK(rig.publishes("a", qos2) == "PUBREC 2");
    rig.writes = true;
    rig.passes(journal::JournalOptions{}.lazy_interval);
    CHECK(rig.survivors() == 2);
}

TEST_CASE("relaxed: a crash before takes it") {
    LevelRig rig(Durability::relaxed);
    CHECK(rig.publishes("a", qos1) == "PUBACK 1");
    CHECK(rig.survivors() == 0);
}

TEST_CASE("ram: nobody waits, nothing of QoS 1 is written, and a restart forgets it") {
    LevelRig rig(Durability::ram);
    rig.commits();
    const std::uint64_t before = rig.store->records();
    CHECK(rig.publishes("a", qos1) == "PUBACK 1");
    CHECK(rig.publishes("r", qos1, true) == "PUBACK 2");
    CHECK(rig.shard->commit_deadline() == never);
    CHECK(rig.store->records() == before);
    CHECK(rig.counters().queued_messages == 2);
    CHECK(rig.survivors() == 0);
    CHECK(rig.metrics().retained_messages == 0);
    CHECK(rig.metrics().sessions == 2);  // sessions are durable at every level
}

TEST_CASE("ram: QoS 2 to a stored session is written all the same: its packet id must not be given away") {
    LevelRig rig(Durability::ram);
    CHECK(rig.publishes("a", qos2) == "PUBREC 1");
    rig["s"].connects(lasting);
    CHECK(rig["s"].takes().empty());
    rig.commits();
    CHECK(rig["s"].takes() == "PUBLISH a x q2#1");
    rig.restarts();
    rig["s"].tries_to_connect(lasting);
    CHECK(rig["s"].takes() == "CONNACK success present | PUBLISH a x q2#1 dup");
}

/// A publisher whose session is stored, and a subscriber whose session is not: nothing is written but packet ids.
struct QoS2Rig : Rig {
    explicit QoS2Rig(Durability level) : Rig(with_levels(level)) {
        come();
        passes(2s);
        writes = false;
    }
    void come() {
        (*this)["s"].connects().subscribes("#", qos2);
        (*this)["p"].connects(lasting);
    }
    std::string publishes(wire::PacketId id) {
        return (*this)["p"].sends(encoded(wire::Publish{"a", as_bytes("x"), qos2, false, false, id, {}}, v5)).takes();
    }
    std::string arrived() { return (*this)["s"].takes(); }
};

TEST_CASE("[MQTT-4.3.3-10] QoS 2 at every level: what a crash makes the publisher repeat passes once") {
    for (const Durability level : {Durability::durable, Durability::relaxed, Durability::ram}) {
        CAPTURE(int(level));
        QoS2Rig rig(level);
        // PUBREC waits only where it promises that the message is kept. Nobody has the message before the packet id is
        // durable, so that a crash before that takes back everything.
        CHECK(rig.publishes(1) == (level == Durability::durable ? "" : "PUBREC 1"));
        CHECK(rig.arrived().empty());
        rig.restarts();
        rig.come();
        rig.publishes(1);
        rig.commits();
        CHECK(rig.arrived() == "PUBLISH a x q2#1");
        rig.restarts();
        rig.come();
        CHECK(rig.publishes(1) == "PUBREC 1");
        rig.commits();
        CHECK(rig.arrived().empty());
    }
}

TEST_CASE(
    "[MQTT-4.3.3-6] relaxed, ram: PUBREL says that nothing is repeated, the message goes and nothing is written") {
    for (const Durability level : {Durability::relaxed, Durability::ram}) {
        CAPTURE(int(level));
        QoS2Rig rig(level);
        const std::uint64_t before = rig.store->records();
        CHECK(rig.publishes(1) == "PUBREC 1");
        CHECK(rig.publishes(2) == "PUBREC 2");
        CHECK(rig["p"].sends(ack(wire::PacketType::pubrel, 1)).takes() == "PUBCOMP 1");
        CHECK(rig.arrived() == "PUBLISH a x q2#1");
        CHECK(rig["p"].sends(ack(wire::PacketType::pubrel, 2)).takes() == "PUBCOMP 2");
        CHECK(rig.arrived() == "PUBLISH a x q2#2");
        CHECK(rig.shard->commit_deadline() == never);
        CHECK(rig.store->records() == before);
    }
}

TEST_CASE("relaxed, ram: PUBREL after the commit, PUBCOMP waits until the packet id is gone from the store") {
    for (const Durability level : {Durability::relaxed, Durability::ram}) {
        CAPTURE(int(level));
        QoS2Rig rig(level);
        rig.publishes(1);
        rig.commits();
        CHECK(rig["p"].sends(ack(wire::PacketType::pubrel, 1)).takes().empty());
        rig.commits();
        CHECK(rig["p"].takes() == "PUBCOMP 1");
        rig.publishes(1);  // the id means a new message
        rig.commits();
        CHECK(rig.arrived() == "PUBLISH a x q2#1 | PUBLISH a x q2#2");
    }
}

TEST_CASE("a QoS 2 message whose packet id a failed store will never have is dropped, and stops nothing behind it") {
    QoS2Rig rig(Durability::ram);
    rig["q"].connects();
    CHECK(rig.publishes(1) == "PUBREC 1");
    CHECK(rig["q"].publishes("b", "y", qos1) == "success");
    CHECK(rig.arrived().empty());  // behind it
    rig.store->fail_from(1, {storage::Fault::io, "test"});
    rig.commits();
    CHECK(rig.arrived() == "PUBLISH b y q1#2");
    CHECK(rig.counters().dropped_unreadable == 1);
    CHECK(rig.publishes(2) == "PUBREC 2 implementation_specific_error");
}

TEST_CASE(
    "an exchange whose state a failed store will never keep stops nothing behind it, and is there after a start") {
    LevelRig rig(Durability::ram);
    rig["s"].connects(lasting);
    rig.publishes("a", qos2);
    rig.publishes("a", qos1);
    rig.fails();
    CHECK(rig.log.count("store_failed") == 1);
    CHECK(rig["s"].takes() == "PUBLISH a x q1#2");
    rig["s"].connects(lasting);
    CHECK(rig["s"].takes() == "PUBLISH a x q1#2 dup");
    rig["q"].connects();
    CHECK(rig["q"].publishes("a", "y", qos1) == "success");
    CHECK(rig["s"].takes() == "PUBLISH a y q1#3");
}

TEST_CASE(
    "with a store that has failed a new QoS 2 message of the queue's tail waits for the next start, no other does") {
    LevelRig rig(Durability::durable);
    rig.writes = true;
    rig["q"].connects();
    CHECK(rig["q"].publishes("a", "2", qos2) == "success");
    CHECK(rig["q"].publishes("a", "1", qos1) == "success");
    rig.passes(2s);
    rig.writes = false;
    rig["d"].tries_to_connect(lasting);
    rig.fails();
    rig["s"].connects(lasting);
    CHECK(rig["s"].takes() == "PUBLISH a 1 q1#2");
    rig.restarts();
    rig.writes = true;
    rig["s"].connects(lasting);
    rig.commits();
    CHECK(rig["s"].takes().find("PUBLISH a 2 q2#1") != std::string::npos);
}

TEST_CASE("the first filter that matches decides, the level of the broker otherwise") {
    LevelRig rig(with_levels(
        Durability::relaxed,
        {{"a/x", Durability::ram}, {"a/#", Durability::durable}, {"a/y", Durability::ram}, {"+/z", Durability::ram}}));
    CHECK(rig.publishes("a/x", qos1) == "PUBACK 1");
    CHECK(rig.publishes("a/y", qos1).empty());  // durable
    rig.commits();
    CHECK(rig["p"].takes() == "PUBACK 2");
    CHECK(rig.publishes("b", qos1) == "PUBACK 3");
    CHECK(rig.publishes("b/z", qos1) == "PUBACK 4");
    rig.commits();
    CHECK(rig.survivors() == 2);
}

TEST_CASE("SUBACK and UNSUBACK of a stored session wait for its records, others do not") {
    Rig rig(stored_options());
    rig.writes = false;
    rig["brief"].connects().subscribes("a", qos1).unsubscribes("a");
    rig["c"].connects(lasting);
    std::vector<Byte> entry;
    wire::append_entry(entry, {"a", {qos1}}, true);
    rig["c"].sends(encoded(wire::Subscribe{1, {entry, true}, {}}, v5));
    CHECK(rig["c"].takes().empty());
    rig.commits();
    CHECK(rig["c"].takes() == "SUBACK 1 1");
    entry.clear();
    wire::append_entry(entry, {"a", {}}, false);
    rig["c"].sends(encoded(wire::Unsubscribe{2, {entry, false}, {}}, v5));
    CHECK(rig["c"].takes().empty());
    rig.restarts();
    CHECK(rig.metrics().subscriptions == 1);
}

TEST_CASE("CONNACK waits when it says that a session is there, or gone, and the store does not know it yet") {
    Rig rig(stored_options());
    rig.writes = false;
    rig["c"].connects(lasting);  // nothing to promise
    rig["c"].loses_connection();
    rig["c"].tries_to_connect(lasting);
    CHECK(rig["c"].takes().empty());
    rig.commits();
    CHECK(rig["c"].takes() == "CONNACK success present");
    rig["c"].loses_connection();
    rig["c"].tries_to_connect({.clean = true, .expiry = 60});
    CHECK(rig["c"].takes().empty());
    rig.commits();
    CHECK(rig["c"].takes() == "CONNACK success");
}

TEST_CASE("a session that has expired is gone for good before its client is told so") {
    Rig rig(stored_options());
    rig["c"].connects({.clean = false, .expiry = 10}).loses_connection();
    rig.passes(5s);
    rig.writes = false;
    rig.passes(7s);
    CHECK(rig.counters().sessions_expired == 1);
    rig["c"].tries_to_connect(lasting);
    CHECK(rig["c"].takes().empty());
    rig.commits();
    CHECK(rig["c"].takes() == "CONNACK success");
}

TEST_CASE("when the store fails, who waits for it is closed, and only what needs none is taken") {
    LevelRig rig(Durability::durable);
    rig["w"].connects().subscribes("brief", qos1);
    CHECK(rig.publishes("a", qos1).empty());
    rig.fails();
    CHECK(rig["p"].takes() == "DISCONNECT implementation_specific_error");
    CHECK(rig.log.count("store_failed") == 1);
    CHECK(rig.metrics().is_store_failed);
    rig["q"].connects();
    CHECK(rig["q"].publishes("a", "x", qos1) == "implementation_specific_error");
    CHECK(rig["q"].publishes("a", "x", qos0) == "");
    CHECK(rig["q"].publishes("$nobody", "x", qos2) == "no_matching_subscribers");  // its session is not stored either
    rig["p"].tries_to_connect(lasting);
    rig["p"].takes();
    CHECK(rig.publishes("$nobody", qos2) == "PUBREC 2 implementation_specific_error");
    CHECK(rig.publishes("$nobody", qos1) == "PUBACK 3 no_matching_subscribers");
    rig["n"].tries_to_connect(lasting);
    CHECK(rig["n"].takes() == "CONNACK server_unavailable");
    CHECK(rig.survivors() == 0);
}

TEST_CASE("a connection whose CONNACK is held when the store fails is closed without a word") {
    Rig rig(stored_options());
    rig.writes = false;
    rig["c"].connects(lasting).loses_connection();
    rig["c"].tries_to_connect(lasting);
    rig.store->fail_from(1, {storage::Fault::full, "test"});
    rig.commits();
    CHECK(rig["c"].takes().empty());
    CHECK_FALSE(rig["c"].is_open());
}

TEST_CASE("with a store that has failed no subscription of a stored session comes or goes") {
    Rig rig(stored_options());
    rig["c"].connects(lasting).subscribes("a", qos1);
    rig["old"].connects(lasting_v311).subscribes("a", qos1);
    rig.writes = false;
    rig.passes(2s);
    rig["d"].connects(lasting);  // something to write
    rig.store->fail_from(1, {storage::Fault::io, "test"});
    rig.commits();
    std::vector<Byte> entry;
    wire::append_entry(entry, {"b", {qos1}}, true);
    rig["c"].sends(encoded(wire::Subscribe{7, {entry, true}, {}}, v5));
    CHECK(rig["c"].takes() == "SUBACK 7 131");
    entry.clear();
    wire::append_entry(entry, {"a", {}}, false);
    rig["c"].sends(encoded(wire::Unsubscribe{8, {entry, false}, {}}, v5));
    CHECK(rig["c"].takes() == "UNSUBACK 8 131");
    rig["old"].sends(encoded(wire::Unsubscribe{8, {entry, false}, {}}, v311));
    CHECK_FALSE(rig["old"].is_open());
    CHECK(rig.metrics().subscriptions == 2);
}

TEST_CASE("with a store that is nearly full durable publications are refused, removals go on, until there is room") {
    LevelRig rig(Durability::durable);
    rig.publishes("a", qos1);
    rig.store->set_used_fraction(0.9);
    rig.commits();
    CHECK(rig["p"].takes() == "PUBACK 1");
    CHECK(rig.log.count("store_full") == 1);
    CHECK(rig.publishes("a", qos1) == "PUBACK 2 quota_exceeded");
    rig["s"].connects(lasting);
    rig.commits();
    CHECK(rig["s"].takes() == "PUBLISH a x q1#1");
    rig["s"].acks(1);
    rig.store->set_used_fraction(0.5);
    rig.commits();
    CHECK(rig.log.count("store_has_room") == 1);
    CHECK(rig.publishes("a", qos1).empty());
    rig.commits();
    CHECK(rig["p"].takes() == "PUBACK 3");
}

}  // namespace
}  // namespace ledge::broker
