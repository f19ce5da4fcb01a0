// Sessions: begin, resume, takeover, expiry, and what becomes of their messages when they end.
#include "ledge/journal/records.hpp"
#include "lifecycle.hpp"
#include "rig.hpp"

namespace ledge::broker {
namespace {

std::string connack_of(Rig& rig, const char* name, const Wish& wish) {
    if (rig[name].is_open()) rig[name].loses_connection();
    rig[name].forgets();
    rig[name].tries_to_connect(wish);
    return rig[name].takes();
}

TEST_CASE("session present says whether there is one [MQTT-3.2.2-2] [MQTT-3.2.2-3] [MQTT-3.1.2-4]") {
    Rig rig;
    CHECK(connack_of(rig, "c", lasting) == "CONNACK success");
    CHECK(connack_of(rig, "c", lasting) == "CONNACK success present");
    CHECK(connack_of(rig, "c", {.clean = true, .expiry = 3600}) == "CONNACK success");
    CHECK(connack_of(rig, "c", lasting) == "CONNACK success present");
    CHECK(connack_of(rig, "c", {.clean = false}) == "CONNACK success present");  // expiry 0 from now on
    CHECK(connack_of(rig, "c", lasting) == "CONNACK success");
    CHECK(connack_of(rig, "old", {.version = v311, .clean = false}) == "CONNACK success");
    CHECK(connack_of(rig, "old", {.version = v311, .clean = false}) == "CONNACK success present");
    CHECK(connack_of(rig, "old", {.version = v311}) == "CONNACK success");
    CHECK(connack_of(rig, "old", {.version = v311, .clean = false}) == "CONNACK success");
    CHECK(rig.metrics().sessions == 2);
}

TEST_CASE("a session expires when its interval has passed without a connection, not before") {
    Rig rig;
    rig["c"].connects({.clean = false, .expiry = 60}).subscribes("t", qos1);
    rig.passes(1000s);
    rig["c"].loses_connection();
    rig["p"].connects().publishes("t", "1", qos1);
    rig.passes(59s);
    CHECK(
        connack_of(rig, "c", {.clean = false, .expiry = 60}).starts_with("CONNACK success present | PUBLISH t 1 q1#1"));
    rig["c"].loses_connection();
    rig.passes(61s);
    CHECK(rig.metrics().sessions == 1);
    CHECK(rig.metrics().subscriptions == 0);
    CHECK(rig.counters().sessions_expired == 1);
    CHECK(rig.counters().queued_messages == 0);
    CHECK(rig.counters().dropped_session_ended == 1);
    CHECK(connack_of(rig, "c", lasting) == "CONNACK success");
}

TEST_CASE("expiry 0xFFFFFFFF is never, as far as the listener allows it; DISCONNECT may shorten it") {
    session::SessionLimits limits;
    limits.session_expiry_max_s = session::expiry_never;
    Rig rig(limits);
    const Wish for_ever{.clean = false, .expiry = session::expiry_never};
    rig["c"].connects(for_ever).loses_connection();
    rig.passes(24h * 30);
    CHECK(connack_of(rig, "c", for_ever) == "CONNACK success present");
    rig["c"].disconnects(ReasonCode::success, 10);
    rig.passes(11s);
    CHECK(rig.metrics().sessions == 0);
    Rig bounded;
    bounded["c"].connects(for_ever).loses_connection();
    bounded.passes(24h * 7 + 1s);
    CHECK(bounded.metrics().sessions == 0);
}

TEST_CASE("[MQTT-3.1.4-3] a second connection takes the session over; the first is told") {
    for (const bool clean : {false, true}) {
        Rig rig;
        rig["c"].connects(lasting).subscribes("t", qos1);
        rig["p"].connects().publishes("t", "1", qos1);
        CHECK(rig["c"].takes() == "PUBLISH t 1 q1#1");
        session::Connection* first = rig["c"].connection;
        session::Connection* second = rig.shard->open({0, "192.0.2.2:2"}, nullptr, rig.now);
        REQUIRE(second != nullptr);
        wire::Connect connect;
        connect.version = v5;
        connect.client_id = "c";
        connect.clean_start = clean;
        std::vector<Byte> bytes(wire::encoded_size(connect));
        wire::Writer writer(bytes);
        wire::encode(connect, writer);
        rig.shard->on_bytes(*second, bytes, rig.now);
        CHECK(first->is_closing());
        CHECK(first->session() == nullptr);
        CHECK(rig.metrics().clients_connected == 2);
        CHECK(rig.counters().takeovers == 1);
        CHECK((second->session()->queue().inflight().size() == 1) == !clean);
        CHECK(rig.metrics().subscriptions == (clean ? 0U : 1U));
        Bytes parts[2];
        REQUIRE(first->outbox().gather(parts) == 1);
        CHECK(parts[0][0] == 0xE0);
        CHECK(parts[0][2] == 0x8E);
        rig.shard->on_closed(*second, rig.now);
        rig["p"].loses_connection();
        CHECK_FALSE(rig["c"].is_open());
        CHECK(rig["c"].takes() == "DISCONNECT session_taken_over");
        CHECK(rig.metrics().connections == 0);
        CHECK(rig.metrics().clients_connected == 0);
    }
}

TEST_CASE("sessions_max refuses a new session while no session is away and empty, never one that is there") {
    ShardOptions options = plain_options();
    options.sessions_max = 2;
    Rig rig(options);
    rig["a"].connects(lasting);
    rig["b"].connects(lasting);
    CHECK(connack_of(rig, "c", lasting) == "CONNACK quota_exceeded");
    CHECK_FALSE(rig["c"].is_open());
    CHECK(connack_of(rig, "old", {.version = v311}) == "CONNACK server_unavailable");
    rig["a"].subscribes("t", qos1).loses_connection();
    rig["b"].publishes("t", "owed to a", qos1);
    CHECK(connack_of(rig, "c", lasting) == "CONNACK quota_exceeded");
    CHECK(connack_of(rig, "a", lasting) == "CONNACK success present | PUBLISH t owed to a q1#1");
    rig["a"].acks(1).loses_connection();
    CHECK(connack_of(rig, "c", lasting) == "CONNACK success");
    CHECK(rig.counters().sessions_evicted == 1);
    CHECK(rig.metrics().clients_connected_max == 2);
}

TEST_CASE("[MQTT-4.8.2-6] what a group's member has not acknowledged goes to the others when its session ends") {
    Rig rig;
    rig["a"].connects().subscribes("$share/g/t", qos2);
    rig["p"].connects();
    for (int i = 0; i < 3; ++i) rig["p"].publishes("t", std::to_string(i), qos1);
    rig["a"].acks(2);
    rig["b"].connects().subscribes("$share/g/t", qos1);
    CHECK(rig["b"].takes().empty());
    rig["a"].loses_connection();
    CHECK(rig["b"].takes() == "PUBLISH t 0 q1#1 | PUBLISH t 2 q1#2");
    CHECK(rig.counters().dropped() == 0);
    rig["b"].acks(1).acks(2);
    CHECK(rig.counters().queued_messages == 0);
}

TEST_CASE("a member that only loses its connection keeps its messages, another gets the new ones") {
    Rig rig;
    rig["a"].connects(lasting).subscribes("$share/g/t", qos1);
    rig["p"].connects().publishes("t", "1", qos1);
    rig["b"].connects().subscribes("$share/g/t", qos1);
    rig["a"].forgets();
    rig["a"].loses_connection();
    CHECK(rig["b"].takes().empty());
    rig["p"].publishes("t", "2", qos1);
    CHECK(rig["b"].takes() == "PUBLISH t 2 q1#1");
    CHECK(rig["a"].connects(lasting).takes() == "PUBLISH t 1 q1#1 dup");
}

TEST_CASE("[MQTT-4.8.2-5] a QoS 2 message that was sent is not handed on, one that waited is") {
    session::SessionLimits limits;
    limits.inflight_max = 1;
    Rig rig(limits);
    rig["a"].connects().subscribes("$share/g/t", qos2);
    rig["p"].connects();
    rig["p"].publishes("t", "sent", qos2);
    rig["p"].publishes("t", "waits", qos2);
    rig["b"].connects().subscribes("$share/g/t", qos2);
    rig["a"].loses_connection();
    CHECK(rig["b"].takes() == "PUBLISH t waits q2#1");
    CHECK(rig.counters().dropped_session_ended == 1);
}

TEST_CASE("an expired message, or one whose group is gone, is not handed on") {
    Rig rig;
    rig["a"].connects().subscribes("$share/g/t", qos1);
    rig["p"].connects();
    wire::PropertyBuilder expiry;
    expiry.number(PropertyId::message_expiry_interval, 5);
    rig["p"].publishes("t", "old", qos1, false, expiry);
    rig.passes(6s);
    rig["b"].connects().subscribes("$share/g/t", qos1);
    rig["a"].loses_connection();
    CHECK(rig["b"].takes().empty());
    CHECK(rig.counters().dropped_session_ended == 1);

    rig["p"].publishes("t", "alone", qos1);
    CHECK(rig["b"].takes() == "PUBLISH t alone q1#1");
    rig["b"].unsubscribes("$share/g/t");
    rig["c"].connects().subscribes("$share/other/u", qos1);  // may get the place of the group that is gone
    rig["d"].connects().subscribes("$share/g/t", qos1);
    rig["b"].loses_connection();
    CHECK(rig["c"].takes().empty());
    CHECK(rig["d"].takes().empty());  // a new group, whatever its name
}

TEST_CASE("a queue goes with its session, and nothing is left in the gauges") {
    Rig rig;
    rig["s"].connects(lasting).subscribes("t", qos2);
    rig["p"].connects();
    for (int i = 0; i < 5; ++i) rig["p"].publishes("t", "x", qos2);
    rig["s"].recs(1).recs(2).comps(1).loses_connection();
    for (int i = 0; i < 5; ++i) rig["p"].publishes("t", "x", qos1);
    CHECK(rig.counters().queued_messages == 9);
    rig["s"].forgets();
    rig["s"].connects({.clean = true});
    CHECK(rig.counters().queued_messages == 0);
    CHECK(rig.counters().queued_bytes == 0);
    CHECK(rig.counters().dropped_session_ended == 8);  // not the one whose PUBREC had come
}

}  // namespace
}  // namespace ledge::broker
