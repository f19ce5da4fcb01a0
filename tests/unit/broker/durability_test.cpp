// What waits for the store and what does not, by level and topic; what survives; and what happens when it fails or is
// full.
#include "rig.hpp"

namespace ledge::broker {
namespace {

using session::Durability;

ShardOptions with_levels(Durability level, std::vector<DurabilityOptions::Override> overrides = {}) {
    ShardOptions options = stored_options();
    options.durability.level = level;
    options.durability.overrides = std::move(overrides);
    return options;
}

struct LevelRig : Rig {
    explicit LevelRig(const ShardOptions& options) : Rig(options) {
        (*this)["s"].connects(lasting).subscribes("#", qos2);
        (*this)["s"].loses_connection();
        (*this)["p"].connects(lasting);
        passes(2s);
        writes = false;
    }
    explicit LevelRig(Durability level) : LevelRig(with_levels(level)) {}

    std::string publishes(const char* topic, QoS qos, bool retain = false) {
        const wire::Publish packet{topic, as_bytes("x"), qos, retain, false, ++id, {}};
        return (*this)["p"].sends(encoded(packet, v5)).takes();
    }
    /// How many messages wait for the offline session after a crash now.
    std::uint64_t survivors() {
        restarts();
        return counters().queued_messages;
    }
    void fails() {
        store->fail_from(1, {storage::Fault::io, "test"});
        commits();
    }
    wire::PacketId id = 0;
};

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
    CHECK(rig.shard->commit_deadline() == rig.now + session::JournalOptions{}.lazy_interval);
    CHECK(rig.publishes("a", qos2) == "PUBREC 2");
    rig.writes = true;
    rig.passes(session::JournalOptions{}.lazy_interval);
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

// ---------------------------------------------------------------------------------------------------------------------
// A full disk: the commit is tried again

TEST_CASE("while a commit is postponed durable publications are refused, and what waits is acknowledged afterwards") {
    LevelRig rig(Durability::durable);
    rig["w"].connects().subscribes("b", qos0);
    CHECK(rig.publishes("a", qos1).empty());
    rig.postpones();
    rig["q"].connects();
    CHECK(rig["q"].publishes("a", "x", qos1) == "quota_exceeded");
    CHECK(rig["q"].publishes("b", "x", qos0) == "");
    CHECK(rig["w"].takes() == "PUBLISH b x");
    rig.heals();
    CHECK(rig["p"].takes() == "PUBACK 1");
    CHECK(rig["q"].publishes("a", "x", qos1) == "closed");  // nothing comes before the commit
    rig.commits();
    CHECK(rig["q"].takes() == "PUBACK 2");
    CHECK(rig.survivors() == 2);
}

TEST_CASE("while a commit is postponed a client resumes its durable session, with a will too") {
    Rig rig(stored_options());
    rig["c"].connects(lasting).subscribes("a", qos1).loses_connection();
    rig.passes(2s);
    rig["d"].connects(lasting);
    rig.postpones();
    rig["c"].tries_to_connect(
        {.clean = false, .expiry = 600, .will = wire::Will{"will", as_bytes("gone"), qos0, false, {}}});
    CHECK(rig["c"].takes() == "CONNACK success present");
    rig["c"].loses_connection();
    rig["brief"].tries_to_connect({});
    CHECK(rig["brief"].takes() == "CONNACK success");
    rig.heals();
    CHECK(rig.metrics().sessions == 3);
}

TEST_CASE("while a commit is postponed a stored session gets no new subscription, but its client is told") {
    Rig rig(stored_options());
    rig["c"].connects(lasting).subscribes("a", qos1);
    rig.passes(2s);
    rig["d"].connects(lasting);
    rig.postpones();
    std::vector<Byte> entry;
    wire::append_entry(entry, {"b", {qos1}}, true);
    rig["c"].sends(encoded(wire::Subscribe{7, {entry, true}, {}}, v5));
    CHECK(rig.metrics().subscriptions == 1);
    rig.heals();
    CHECK(rig["c"].takes() == "SUBACK 7 151");
}

TEST_CASE("while a commit is postponed publications of QoS 2 are refused at once and leave nothing in the journal") {
    LevelRig rig(Durability::durable);
    rig.publishes("a", qos1);
    rig.postpones();
    const std::uint64_t cancelled = rig.metrics().records_cancelled;
    for (int i = 0; i < 50; ++i) CHECK(rig.publishes("a", qos2).ends_with(" quota_exceeded"));
    rig.heals();
    CHECK(rig["p"].takes() == "PUBACK 1");
    CHECK(rig.metrics().records_cancelled == cancelled);
    CHECK(rig.shard->commit_deadline() == never);
}

TEST_CASE("a journal that is full while a commit is postponed lets durable sessions and brief clients in, no others") {
    ShardOptions options = stored_options();
    options.durability.journal.bytes_max = 600;
    Rig rig(options);
    rig["c"].connects(lasting).subscribes("a", qos1).loses_connection();
    rig.passes(2s);
    rig["d"].connects(lasting);
    rig.postpones();
    std::string answer;
    int sessions = 0;
    for (; sessions < 100 && answer != "CONNACK quota_exceeded"; ++sessions) {
        Client& client = rig["new" + std::to_string(sessions)];
        client.tries_to_connect(lasting);
        answer = client.takes();
    }
    CHECK(sessions < 20);
    CHECK(rig["brief"].connects().is_open());
    rig["c"].tries_to_connect(lasting);
    CHECK(rig["c"].takes() == "CONNACK success present");
    rig.heals();
    rig["late"].tries_to_connect(lasting);
    CHECK(rig["late"].takes() == "CONNACK success");
}

}  // namespace
}  // namespace ledge::broker
