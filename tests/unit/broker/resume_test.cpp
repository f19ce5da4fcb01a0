// What a client finds when the broker was killed and has started again from its store: sessions, exchanges at each of
// their steps, retained messages, wills, and the time that is left to them.
#include "ledge/broker/options.hpp"
#include "ledge/journal/image.hpp"
#include "ledge/journal/record.hpp"
#include "ledge/journal/records.hpp"
#include "ledge/storage/commit_report.hpp"
#include "rig.hpp"

namespace ledge::broker {
namespace {

std::string publish_qos2(wire::PacketId id, bool dup = false) {
    return encoded(wire::Publish{"a", as_bytes("x"), qos2, false, dup, id, {}}, v5);
}
std::string pubrel(wire::PacketId id) { return ack(wire::PacketType::pubrel, id); }

struct StoredRig : Rig {
    StoredRig() : Rig(stored_options()) {}
    explicit StoredRig(const ShardOptions& options) : Rig(options) {}
    /// A retained message of client "p" is acknowledged, in a commit that it may share.
    void retains(std::string_view topic, std::string_view payload, const wire::PropertyBuilder& properties = {}) {
        if (!(*this)["p"].is_open()) (*this)["p"].connects();
        const wire::Publish packet{topic, as_bytes(payload), qos1, true, false, 1, properties.view()};
        (*this)["p"].sends(encoded(packet, v5));
        passes(10ms);
        CHECK((*this)["p"].takes() == "PUBACK 1 no_matching_subscribers");
    }
    /// All that comes back with CONNACK.
    std::string resumes(const std::string& name, const Wish& wish = lasting) {
        (*this)[name].tries_to_connect(wish);
        if (writes) passes(20ms);  // a backlog waits for the record of the connection
        return (*this)[name].takes();
    }
};

/// A subscriber to "a" with QoS 2; commits are done by hand from here on.
struct ReceiverRig : StoredRig {
    ReceiverRig() {
        (*this)["s"].connects(lasting).subscribes("a", qos2);
        (*this)["p"].connects();
        writes = false;
    }
    /// A message has come to the subscriber: its packet id is durable.
    void sends_one() {
        CHECK((*this)["p"].sends(publish_qos2(1)).takes().empty());
        CHECK((*this)["s"].takes().empty());
        commits();  // the message and its packet id
        CHECK((*this)["p"].takes() == "PUBREC 1");
        CHECK((*this)["s"].takes() == "PUBLISH a x q2#1");
    }
    std::string resumed() { return resumes("s"); }
};

/// A publisher with a session, and somebody who gets it all.
struct SenderRig : StoredRig {
    SenderRig() {
        (*this)["s"].connects(lasting).subscribes("a", qos0);
        (*this)["p"].connects(lasting);
        passes(2s);
        writes = false;
    }
    void restarts_and_resumes() {
        restarts();
        CHECK(resumes("p") == "CONNACK success present");
        (*this)["s"].connects(lasting);
    }
};

TEST_CASE(
    "[MQTT-3.2.2-3] a session with its subscriptions is there after a restart; one that ends with its connection "
    "is not") {
    StoredRig rig;
    rig["kept"].connects(lasting).subscribes("a/+", qos1).subscribes("b", qos2).unsubscribes("b");
    rig["old"].connects(lasting_v311).subscribes("a/+", qos1);
    rig["brief"].connects({.expiry = 0}).subscribes("a/+", qos1);
    rig.restarts();
    CHECK(rig.metrics().subscriptions == 2);
    CHECK(rig.resumes("brief") == "CONNACK success");
    CHECK(rig["brief"].publishes("a/1", "x", qos1) == "success");
    CHECK(rig["brief"].publishes("b", "x", qos1) == "no_matching_subscribers");
    CHECK(rig.resumes("kept") == "CONNACK success present | PUBLISH a/1 x q1#1");
    CHECK(rig.resumes("old", lasting_v311) == "CONNACK success present | PUBLISH a/1 x q1#1");
}

TEST_CASE("subscriptions keep their options and identifiers, and a group its members") {
    StoredRig rig;
    rig["c"].connects(lasting).subscribes("a", {qos1, true, true}, 7).subscribes("$share/g/s", qos1);
    rig.restarts();
    CHECK(rig.resumes("c") == "CONNACK success present");
    CHECK(rig["c"].publishes("a", "own", qos1) == "no_matching_subscribers");
    rig["p"].connects().publishes("a", "x", qos1, true);
    rig["p"].publishes("s", "y", qos1);
    CHECK(rig["c"].takes() == "PUBLISH a x q1#1 retain {0b=7} | PUBLISH s y q1#2");
}

TEST_CASE("[MQTT-3.3.1-2] what was acknowledged is delivered after a kill, in order, without DUP: it was never sent") {
    StoredRig rig;
    rig["s"].connects(lasting).subscribes("a", qos1);
    rig["s"].loses_connection();
    rig["p"].connects();
    for (const char* payload : {"1", "2", "3"}) CHECK(rig["p"].publishes("a", payload, qos1) == "success");
    rig.restarts();
    CHECK(rig.counters().queued_messages == 3);
    CHECK(rig.resumes("s") == "CONNACK success present | PUBLISH a 1 q1#1 | PUBLISH a 2 q1#2 | PUBLISH a 3 q1#3");
    rig["s"].acks(1).acks(2).acks(3);
    rig.passes(2s);
    rig.restarts();
    CHECK(rig.resumes("s") == "CONNACK success present");
    CHECK(rig.counters().queued_messages == 0);
}

/// A subscriber of Receive Maximum 2 to "a" with four messages: 1 and 2 are sent to it, 3 and 4 wait.
struct BacklogRig : StoredRig {
    Wish slow = lasting;
    BacklogRig() {
        slow.receive_maximum = 2;
        (*this)["s"].connects(slow).subscribes("a", qos2);
        (*this)["p"].connects();
    }
    void sends_two(QoS qos) {
        for (const char* payload : {"1", "2", "3", "4"}) publishes(payload, qos);
        CHECK((*this)["s"].takes() == "PUBLISH a 1 q1#1 | PUBLISH a 2 q1#2");
    }
    void publishes(std::string_view payload, QoS qos, const wire::PropertyBuilder& properties = {}) {
        (*this)["p"].sends(encoded(wire::Publish{"a", as_bytes(payload), qos, false, false, 9, properties.view()}, v5));
        passes(2s);
        if (qos == qos2) (*this)["p"].sends(pubrel(9));
        passes(2s);
    }
    /// All PUBLISH packets of the resumed session.
    std::string resumes_and_takes_all() {
        (*this)["s"].acknowledges().tries_to_connect(slow);
        passes(2s);
        return (*this)["s"].takes();
    }
};

TEST_CASE("[MQTT-3.3.1-1] [MQTT-3.3.1-2] after a clean stop DUP goes with what was sent, and with nothing else") {
    BacklogRig rig;
    rig.sends_two(qos1);
    rig.stops_and_starts();
    CHECK(rig.resumes_and_takes_all() ==
          "CONNACK success present | PUBLISH a 1 q1#1 dup | PUBLISH a 2 q1#2 dup | PUBLISH a 3 q1#3 | "
          "PUBLISH a 4 q1#4");
}

TEST_CASE("[MQTT-3.3.1-1] after a kill what was stored for a connected client carries DUP: it may have been sent") {
    BacklogRig rig;
    rig.sends_two(qos1);
    rig.restarts();
    CHECK(rig["p"].connects().publishes("a", "5", qos1) == "success");  // surely not sent
    CHECK(rig.resumes_and_takes_all() ==
          "CONNACK success present | PUBLISH a 1 q1#1 dup | PUBLISH a 2 q1#2 dup | PUBLISH a 3 q1#3 dup | "
          "PUBLISH a 4 q1#4 dup | PUBLISH a 5 q1#5");
}

TEST_CASE("[MQTT-3.3.1-1] a kill after the first messages of a backlog have left: none of them comes without DUP") {
    BacklogRig rig;
    rig["s"].loses_connection();
    for (const char* payload : {"1", "2"}) CHECK(rig["p"].publishes("a", payload, qos1) == "success");
    rig.passes(2s);
    rig.writes = false;
    CHECK(rig.resumes("s") == "CONNACK success present");  // a kill would not know yet that it may have been sent
    rig.restarts();
    CHECK(rig.resumes("s") == "CONNACK success present");
    rig.commits();
    CHECK(rig["s"].takes() == "PUBLISH a 1 q1#1 | PUBLISH a 2 q1#2");
    rig.restarts();
    CHECK(rig.resumes("s") == "CONNACK success present | PUBLISH a 1 q1#1 dup | PUBLISH a 2 q1#2 dup");
}

TEST_CASE("a client that comes and goes without a backlog writes no word about what was sent") {
    StoredRig rig;
    rig["s"].connects(lasting).subscribes("a", qos1);
    rig["p"].connects().sends(encoded(wire::Publish{"a", as_bytes("x"), qos1, false, false, 1, {}}, v5));
    rig["s"].acks(1);
    rig.passes(2s);
    const journal::SendingProgress before = rig["s"].connection->session()->queue().progress();
    rig["s"].loses_connection();
    rig["s"].connects(lasting);
    CHECK(rig["s"].connection->session()->queue().progress().known_until == before.known_until);
    CHECK(rig["s"].connection->session()->queue().progress().doubted_until == before.doubted_until);
}

TEST_CASE("[MQTT-4.4.0-1] [MQTT-4.6.0-1] a restart changes neither packet ids nor order, whatever was acknowledged") {
    for (const bool is_clean : {true, false}) {
        CAPTURE(is_clean);
        StoredRig rig;
        rig["s"].connects(lasting).subscribes("a", qos2);
        rig["p"].connects();
        const auto publishes = [&](std::string_view payload, QoS qos) {
            rig["p"].sends(encoded(wire::Publish{"a", as_bytes(payload), qos, false, false, 9, {}}, v5));
            if (qos == qos2) rig["p"].sends(pubrel(9));
        };
        publishes("1", qos1);
        publishes("2", qos1);
        publishes("3", qos2);
        publishes("4", qos1);
        publishes("5", qos1);
        rig.passes(2s);
        rig["s"].acks(1).acks(4);
        rig.passes(2s);
        if (is_clean)
            rig.stops_and_starts();
        else
            rig.restarts();
        rig["s"].forgets();
        CHECK(rig.resumes("s") ==
              "CONNACK success present | PUBLISH a 2 q1#2 dup | PUBLISH a 3 q2#3 dup | PUBLISH a 5 q1#5 dup");
        rig["p"].connects();
        publishes("6", qos1);
        CHECK(rig["s"].takes() == "PUBLISH a 6 q1#6");
        rig["s"].acks(2).recs(3).acks(5).acks(6);
        rig.passes(1s);
        CHECK(rig["s"].takes() == "PUBREL 3");
        rig["s"].comps(3);
        rig.passes(2s);
        CHECK(rig.counters().queued_messages == 0);
        CHECK(rig.counters().queued_bytes == 0);
    }
}

TEST_CASE("[MQTT-4.4.0-1] what was sent and has expired meanwhile is sent again; what was not is not [MQTT-3.3.2-5]") {
    for (const QoS qos : {qos1, qos2}) {
        CAPTURE(static_cast<int>(qos));
        BacklogRig rig;
        wire::PropertyBuilder brief;
        brief.number(PropertyId::message_expiry_interval, 60);
        for (const char* payload : {"1", "2", "3"}) rig.publishes(payload, qos, brief);
        rig.stops_and_starts();
        rig.passes(100s);
        const std::string got = rig.resumes_and_takes_all();
        CHECK(got.find("PUBLISH a 1 ") != std::string::npos);
        CHECK(got.find("PUBLISH a 2 ") != std::string::npos);
        CHECK(got.find("PUBLISH a 3 ") == std::string::npos);
        CHECK(rig.counters().dropped_expired == 1);
        CHECK(rig.counters().queued_messages == 0);
    }
}

TEST_CASE("a session with exchanges of an older release keeps their packet ids, over two restarts") {
    StoredRig rig;
    rig["s"].connects(lasting).subscribes("a", qos2);
    rig["p"].connects();
    rig["p"].sends(publish_qos2(1));
    rig["p"].sends(encoded(wire::Publish{"a", as_bytes("2"), qos1, false, false, 2, {}}, v5));
    rig.passes(2s);
    CHECK(rig["s"].takes() == "PUBLISH a x q2#1 | PUBLISH a 2 q1#2");
    rig.shard.reset();
    auto image = rig.store->load();
    REQUIRE(image.ok());
    const journal::StoredSession& session = image->sessions.back();
    REQUIRE(session.inflight.size() == 1);
    auto record = journal::parse_queued({session.inflight[0].body.data(), session.inflight[0].body.size()});
    record->packet_id = 77;  // as a sequence of its own would have given it
    const Blob body = encode(*record);
    journal::Batch batch;
    batch.bodies.assign(body.bytes().begin(), body.bytes().end());
    batch.records = {{journal::RecordKind::queued, journal::Change::put, 0, static_cast<std::uint32_t>(body.size()),
                      session.number, session.inflight[0].number}};
    batch.next_number = image->next_number;
    batch.now = rig.now;
    REQUIRE(rig.store->commit(batch).ok());
    for (int times = 0; times < 2; ++times) {
        rig.restarts();
        CHECK(rig.resumes("s") == "CONNACK success present | PUBLISH a x q2#77 dup | PUBLISH a 2 q1#79 dup");
    }
}

TEST_CASE("[MQTT-4.4.0-1] outbound QoS 2, the message not durable: as if it had never been") {
    ReceiverRig rig;
    rig["p"].sends(publish_qos2(1));
    CHECK(rig["p"].takes().empty());
    rig.restarts();
    CHECK(rig.resumed() == "CONNACK success present");
}

TEST_CASE("[MQTT-4.4.0-1] outbound QoS 2, the message durable, its packet id not: sent with some packet id") {
    ReceiverRig rig;
    rig["s"].loses_connection();
    rig["p"].sends(publish_qos2(1));
    rig.commits();
    CHECK(rig.resumed() == "CONNACK success present");
    rig.restarts();
    CHECK(rig.resumed() == "CONNACK success present");
    rig.commits();
    CHECK(rig["s"].takes() == "PUBLISH a x q2#1");
}

TEST_CASE("[MQTT-4.4.0-1] outbound QoS 2, PUBLISH sent: again with the same packet id and DUP") {
    ReceiverRig rig;
    rig.sends_one();
    rig.restarts();
    CHECK(rig.resumed() == "CONNACK success present | PUBLISH a x q2#1 dup");
}

TEST_CASE("[MQTT-4.4.0-1] outbound QoS 2, PUBREC not durable: PUBREL has not left, PUBLISH again") {
    ReceiverRig rig;
    rig.sends_one();
    CHECK(rig["s"].recs(1).takes().empty());
    rig.restarts();
    CHECK(rig.resumed() == "CONNACK success present | PUBLISH a x q2#1 dup");
}

TEST_CASE("[MQTT-4.3.3-7] outbound QoS 2, PUBREC durable: PUBREL, never PUBLISH again") {
    ReceiverRig rig;
    rig.sends_one();
    rig["s"].recs(1);
    rig.commits();
    CHECK(rig["s"].takes() == "PUBREL 1");
    rig.restarts();
    CHECK(rig.resumed() == "CONNACK success present | PUBREL 1");
}

TEST_CASE("outbound QoS 2, PUBCOMP not durable: PUBREL again, and its id belongs to nothing else until then") {
    ReceiverRig rig;
    rig.sends_one();
    rig["s"].recs(1);
    rig.commits();
    rig["s"].comps(1);
    rig.restarts();
    CHECK(rig.resumed() == "CONNACK success present | PUBREL 1");
    rig["p"].connects().sends(publish_qos2(2));
    rig.commits();
    rig.commits();
    CHECK(rig["s"].takes() == "PUBLISH a x q2#2");
}

TEST_CASE("outbound QoS 2, PUBCOMP durable: nothing is left of it") {
    ReceiverRig rig;
    rig.sends_one();
    rig["s"].recs(1);
    rig.commits();
    rig["s"].comps(1);
    rig.commits();
    rig.restarts();
    CHECK(rig.resumed() == "CONNACK success present");
    CHECK(rig.counters().queued_messages == 0);
}

TEST_CASE("inbound QoS 2, PUBLISH not durable: nobody has it yet, the repetition is the first") {
    SenderRig rig;
    rig["p"].sends(publish_qos2(1));
    CHECK(rig["p"].takes().empty());
    CHECK(rig["s"].takes().empty());
    rig.restarts_and_resumes();
    rig["p"].sends(publish_qos2(1, true));
    rig.commits();
    CHECK(rig["p"].takes() == "PUBREC 1");
    CHECK(rig["s"].takes() == "PUBLISH a x");
}

TEST_CASE("[MQTT-4.3.3-10] inbound QoS 2, PUBLISH durable: the repetition is acknowledged, and goes to nobody") {
    SenderRig rig;
    rig["p"].sends(publish_qos2(1));
    rig.commits();
    CHECK(rig["p"].takes() == "PUBREC 1");
    CHECK(rig["s"].takes() == "PUBLISH a x");
    rig.restarts_and_resumes();
    CHECK(rig["p"].sends(publish_qos2(1, true)).takes() == "PUBREC 1");
    CHECK(rig["s"].takes().empty());
}

TEST_CASE("inbound QoS 2, PUBREL not durable: PUBCOMP has not left, PUBREL again ends it") {
    SenderRig rig;
    rig["p"].sends(publish_qos2(1));
    rig.commits();
    rig["p"].takes();
    CHECK(rig["p"].sends(pubrel(1)).takes().empty());
    rig.restarts_and_resumes();
    CHECK(rig["p"].sends(publish_qos2(1, true)).takes() == "PUBREC 1");  // still known
    rig["p"].sends(pubrel(1));
    rig.commits();
    CHECK(rig["p"].takes() == "PUBCOMP 1");
}

TEST_CASE("inbound QoS 2, PUBREL durable: its packet id is free for another message") {
    SenderRig rig;
    rig["p"].sends(publish_qos2(1));
    rig.commits();
    rig["p"].sends(pubrel(1));
    rig.commits();
    CHECK(rig["p"].takes() == "PUBREC 1 | PUBCOMP 1");
    rig["s"].takes();
    rig.restarts_and_resumes();
    rig["p"].sends(pubrel(1));
    rig.commits();
    CHECK(rig["p"].takes() == "PUBCOMP 1 packet_identifier_not_found");
    rig["p"].sends(publish_qos2(1));
    rig.commits();
    CHECK(rig["s"].takes() == "PUBLISH a x");
}

TEST_CASE("retained messages are there after a restart, in their last acknowledged form") {
    StoredRig rig;
    rig.retains("r/1", "old");
    rig.retains("r/1", "new");
    rig.retains("r/2", "x");
    rig.retains("r/3", "x");
    rig.retains("r/3", "");
    rig.restarts();
    CHECK(rig.metrics().retained_messages == 2);
    rig["s"].connects().subscribes("r/#", qos1);
    CHECK(rig["s"].takes() == "PUBLISH r/1 new q1#1 retain | PUBLISH r/2 x q1#2 retain");
}

TEST_CASE("a retained message that is known to be gone stays gone, also when two have removed it") {
    StoredRig rig;
    rig.retains("r", "x");
    rig.writes = false;
    const std::string clear = encoded(wire::Publish{"r", {}, qos1, true, false, 9, {}}, v5);
    CHECK(rig["p"].sends(clear).takes().empty());
    CHECK(rig["q"].connects().sends(clear).takes().empty());  // it waits for the first removal
    rig.commits();
    CHECK(rig["p"].takes() == "PUBACK 9 no_matching_subscribers");
    CHECK(rig["q"].takes() == "PUBACK 9 no_matching_subscribers");
    rig.restarts();
    CHECK(rig.metrics().retained_messages == 0);
}

TEST_CASE("a retained message that expires does so by the time that passes, on both sides of a restart") {
    StoredRig rig;
    wire::PropertyBuilder properties;
    properties.number(PropertyId::message_expiry_interval, 100);
    rig.retains("r", "x", properties);
    rig.restarts(40s);
    rig["s"].connects().subscribes("r", qos0);
    CHECK(rig["s"].takes() == "PUBLISH r x retain {02=60}");
    rig.restarts(61s);
    rig["s"].connects().subscribes("r", qos0);
    CHECK(rig["s"].takes().empty());
}

}  // namespace
}  // namespace ledge::broker
