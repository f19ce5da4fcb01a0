// What survives a connection, and what does not.
#include "rig.hpp"

namespace ledge::client {
namespace {

TEST_CASE("[MQTT-4.4.0-1] [MQTT-4.6.0-1] PUBLISH and PUBREL are sent again in order when the session resumes") {
    Rig rig;
    rig.connects();
    rig.publishes("a", "1", qos1);
    rig.publishes("a", "2", qos2);
    rig.publishes("a", "3", qos2);
    rig.publishes("a", "4", qos1);
    rig.sent();
    rig.gets(ack(PacketType::pubrec, 2));
    CHECK(rig.gets(ack(PacketType::puback, 4)) == "done 4 success");
    rig.sent();
    rig.client.closed();
    rig.publishes("a", "5", qos1);
    CHECK(rig.resumes() == "connected to session");
    CHECK(rig.sent() == "PUBLISH a 1 q1#1 dup | PUBREL 2 | PUBLISH a 3 q2#3 dup | PUBLISH a 5 q1#5");
    CHECK(rig.gets(ack(PacketType::pubcomp, 2)) == "done 2 success");
}

TEST_CASE("what waits for the window is sent for the first time without DUP, after a resume too") {
    PropertyBuilder properties;
    properties.number(PropertyId::receive_maximum, 1);
    Rig rig;
    rig.connects(true, false, properties);
    rig.publishes("a", "1", qos1);
    rig.publishes("a", "2", qos1);
    rig.sent();
    rig.resumes(true, properties);
    CHECK(rig.sent() == "PUBLISH a 1 q1#1 dup");
    rig.gets(ack(PacketType::puback, 1));
    CHECK(rig.sent() == "PUBLISH a 2 q1#2");
}

TEST_CASE("[MQTT-3.2.2-5] session present = 0: messages are sent as new, an exchange after PUBREC has ended") {
    Rig rig;
    rig.connects();
    rig.publishes("a", "1", qos1);
    rig.publishes("a", "2", qos2);
    rig.publishes("a", "3", qos2);
    rig.sent();
    rig.gets(ack(PacketType::pubrec, 2));
    CHECK(rig.resumes(false) == "connected | done 2 success session_lost");
    CHECK(rig.sent() == "PUBLISH a 1 q1#1 | PUBLISH a 3 q2#3");
}

TEST_CASE("session present = 0: messages that were sent can be given up instead") {
    Options options = lasting();
    options.republishes_lost = false;
    options.limits.inflight_max = 1;
    Rig rig(options);
    rig.connects();
    rig.publishes("a", "1", qos1);
    rig.publishes("a", "2", qos1);  // not sent yet
    rig.sent();
    CHECK(rig.resumes(false) == "connected | done 1 unspecified_error given_up");
    CHECK(rig.sent() == "PUBLISH a 2 q1#2");
}

TEST_CASE("[MQTT-3.1.2-4] a clean start ends the exchanges of the old session") {
    Rig rig;
    rig.connects();
    CHECK(rig.gets(publish("a", "1", qos2, 7)) == "message a 1 q2#7");
    rig.client.acknowledge(7);
    rig.sent();
    rig.client.closed();
    CHECK(rig.connects(true) == "connected");
    CHECK(rig.gets(publish("a", "2", qos2, 7)) == "message a 2 q2#7");  // a new message
}

TEST_CASE("a clean start is repeated until CONNACK has come: the server may not have seen it") {
    Rig rig;
    rig.connects();
    rig.client.closed();
    rig.client.connect(true, rig.now);
    rig.client.closed();
    rig.client.connect(false, rig.now);
    CHECK(wire::decode_connect(rig.client.output())->clean_start);
    rig.sent();
    CHECK(rig.gets(wire::Connack{}) == "connected");
    rig.client.closed();
    rig.client.connect(false, rig.now);
    CHECK_FALSE(wire::decode_connect(rig.client.output())->clean_start);
}

TEST_CASE("a connection that was lost before CONNACK leaves the session as it was") {
    Rig rig;
    rig.connects();
    rig.publishes("a", "1", qos1);
    rig.client.closed();
    rig.client.connect(false, rig.now);
    rig.client.closed();
    CHECK(rig.connects(false, true) == "connected to session");
}

TEST_CASE("PUBCOMP 0x92 ends an exchange that was repeated: the server had finished it") {
    Rig rig;
    rig.connects();
    rig.publishes("a", "1", qos2);
    rig.sent();
    rig.gets(ack(PacketType::pubrec, 1));
    rig.resumes();
    CHECK(rig.sent() == "PUBREL 1");
    CHECK(rig.gets(ack(PacketType::pubcomp, 1, ReasonCode::packet_identifier_not_found)) == "done 1 success");
}

TEST_CASE("[MQTT-4.3.3-10] QoS 2 that comes again on a new connection is handed over once") {
    Rig rig;
    rig.connects();
    CHECK(rig.gets(publish("a", "1", qos2, 7)) == "message a 1 q2#7");
    SUBCASE("accepted before the connection was lost") {
        CHECK(rig.client.acknowledge(7));
        rig.resumes();
        CHECK(rig.gets(publish("a", "1", qos2, 7, true)) == "");
    }
    SUBCASE("accepted without a connection") {
        rig.client.closed();
        CHECK(rig.client.acknowledge(7));
        CHECK_FALSE(rig.client.acknowledge(7));
        rig.resumes();
        CHECK(rig.gets(publish("a", "1", qos2, 7, true)) == "");
    }
    SUBCASE("accepted after the repetition") {
        rig.resumes();
        CHECK(rig.gets(publish("a", "1", qos2, 7, true)) == "");
        CHECK(rig.sent() == "");
        CHECK(rig.client.acknowledge(7));
    }
    SUBCASE("accepted between the new connection and the repetition") {
        rig.resumes();
        CHECK(rig.client.acknowledge(7));
        CHECK(rig.sent() == "");
        CHECK(rig.gets(publish("a", "1", qos2, 7, true)) == "");
    }
    CHECK(rig.sent() == "PUBREC 7");
    CHECK(rig.gets(ack(PacketType::pubrel, 7)) == "");
    CHECK(rig.sent() == "PUBCOMP 7");
    CHECK(rig.gets(publish("a", "2", qos2, 7)) == "message a 2 q2#7");  // [MQTT-4.3.3-12]
}

TEST_CASE("an answer that waited for its turn when the connection was lost is not forgotten") {
    Rig rig;
    rig.connects();
    rig.gets(publish("a", "1", qos2, 1));
    rig.gets(publish("a", "2", qos2, 2));
    CHECK(rig.client.acknowledge(2));
    CHECK(rig.sent() == "");
    rig.resumes();
    CHECK(rig.gets(publish("a", "1", qos2, 1, true)) == "");
    CHECK(rig.gets(publish("a", "2", qos2, 2, true)) == "");
    CHECK(rig.client.acknowledge(1));
    CHECK(rig.sent() == "PUBREC 1 | PUBREC 2");
}

TEST_CASE("QoS 2 refused without a connection is handed over again") {
    Rig rig;
    rig.connects();
    rig.gets(publish("a", "1", qos2, 7));
    rig.client.closed();
    CHECK(rig.client.acknowledge(7, ReasonCode::quota_exceeded));
    rig.resumes();
    CHECK(rig.gets(publish("a", "1", qos2, 7, true)) == "message a 1 q2#7 dup");
}

TEST_CASE("QoS 1 that was not acknowledged comes again, and an old acknowledgement has nothing to answer") {
    Rig rig;
    rig.connects();
    rig.gets(publish("a", "1", qos1, 7));
    rig.client.closed();
    CHECK_FALSE(rig.client.acknowledge(7));
    rig.resumes();
    CHECK(rig.gets(publish("a", "1", qos1, 7, true)) == "message a 1 q1#7 dup");
    CHECK(rig.client.acknowledge(7));
    CHECK(rig.sent() == "PUBACK 7");
}

TEST_CASE("PUBREL that comes again is answered again: with 0x92, for the exchange is over") {
    Rig rig;
    rig.connects();
    rig.gets(publish("a", "1", qos2, 7));
    rig.client.acknowledge(7);
    rig.gets(ack(PacketType::pubrel, 7));
    rig.sent();
    rig.resumes();
    CHECK(rig.gets(ack(PacketType::pubrel, 7)) == "");
    CHECK(rig.sent() == "PUBCOMP 7 packet_identifier_not_found");
}

TEST_CASE("a lost connection forgets requests and their packet ids") {
    Options options = lasting();
    options.limits.requests_max = 1;
    Rig rig(options);
    rig.connects();
    CHECK(*rig.client.subscribe({{"a", {}}}) == 65'535);
    rig.resumes();
    CHECK(*rig.client.subscribe({{"a", {}}}) == 65'535);
}

}  // namespace
}  // namespace ledge::client
