// Flow::passed_on: two clients side by side, each with a server of its own, carry exchanges across with the same ids.
#include "rig.hpp"

namespace ledge::client {
namespace {

TEST_CASE("every packet of an exchange is handed over with its packet id") {
    Rig rig(relay());
    CHECK(rig.connects(false, true) == "connected to session");  // the session is the server's and the application's
    CHECK(*rig.client.publish(publish("a", "1", qos2, 77, true)) == 77);
    CHECK(rig.sent() == "PUBLISH a 1 q2#77 dup");
    CHECK(rig.gets(ack(PacketType::pubrec, 77)) == "PUBREC 77");
    CHECK(rig.client.send_ack(ack(PacketType::pubrel, 77)));
    CHECK(rig.sent() == "PUBREL 77");
    CHECK(rig.gets(ack(PacketType::pubcomp, 77)) == "PUBCOMP 77");

    CHECK(rig.gets(publish("b", "2", qos2, 77)) == "message b 2 q2#77");  // the other direction has ids of its own
    CHECK(rig.client.send_ack(ack(PacketType::pubrec, 77)));
    CHECK(rig.gets(ack(PacketType::pubrel, 77)) == "PUBREL 77");
    CHECK(rig.client.send_ack(ack(PacketType::pubcomp, 77)));
    CHECK(rig.sent() == "PUBREC 77 | PUBCOMP 77");
    CHECK(rig.client.held_messages() == 0);
}

TEST_CASE("what finishes an exchange of an earlier connection is handed over too") {
    Rig rig(relay());
    rig.connects();
    CHECK(rig.gets(ack(PacketType::pubcomp, 5)) == "PUBCOMP 5");
    CHECK(rig.gets(ack(PacketType::pubrel, 6)) == "PUBREL 6");
    CHECK(rig.client.send_ack(ack(PacketType::pubcomp, 6)));
    CHECK(rig.client.send_ack(ack(PacketType::pubrel, 7)));
    CHECK(rig.sent() == "PUBCOMP 6 | PUBREL 7");
}

TEST_CASE("a repetition is handed over: the side that keeps the state knows the id") {
    Rig rig(relay());
    rig.connects();
    CHECK(rig.gets(publish("a", "1", qos2, 3)) == "message a 1 q2#3");
    rig.resumes();
    CHECK(rig.gets(publish("a", "1", qos2, 3, true)) == "message a 1 q2#3 dup");
}

TEST_CASE("[MQTT-3.3.4-7] the Receive Maximum of the server bounds what is passed on") {
    PropertyBuilder properties;
    properties.number(PropertyId::receive_maximum, 2);
    Rig rig(relay());
    rig.connects(true, false, properties);
    CHECK(rig.client.publish(publish("a", "1", qos1, 1)).ok());
    CHECK(rig.client.has_window());
    CHECK(rig.client.publish(publish("a", "2", qos2, 2)).ok());
    CHECK_FALSE(rig.client.has_window());
    CHECK(rig.client.publish(publish("a", "3", qos1, 3)).error() == ReasonCode::receive_maximum_exceeded);
    CHECK(rig.client.publish(publish("a", "1", qos1, 1)).error() == ReasonCode::packet_identifier_in_use);
    rig.gets(ack(PacketType::pubrec, 2));
    CHECK_FALSE(rig.client.has_window());
    rig.gets(ack(PacketType::puback, 1));
    CHECK(rig.client.has_window());
    rig.gets(ack(PacketType::pubcomp, 2));
    CHECK(rig.client.publish(publish("a", "3", qos1, 3)).ok());
    CHECK(rig.client.publish(publish("a", "4", qos1, 4)).ok());
}

TEST_CASE("a PUBACK that answers QoS 2 is handed over: some servers do that, and the relay decides") {
    Rig rig(relay());
    rig.connects();
    CHECK(rig.client.publish(publish("a", "1", qos2, 1)).ok());
    CHECK(rig.gets(ack(PacketType::puback, 1)) == "PUBACK 1");
    CHECK(rig.client.publish(publish("a", "2", qos1, 1)).ok());
}

TEST_CASE("the packet id of a request is not for a message") {
    Rig rig(relay());
    rig.connects();
    CHECK(rig.client.publish(publish("a", "1", qos1, 65'535)).ok());
    CHECK(*rig.client.subscribe({{"a", {}}}) == 65'534);
    CHECK(rig.client.publish(publish("a", "1", qos1, 65'534)).error() == ReasonCode::packet_identifier_in_use);
}

TEST_CASE("a relay may choose the packet id of a request, if the id is free") {
    Rig rig(relay());
    rig.connects();
    CHECK(rig.client.publish(publish("a", "1", qos1, 7)).ok());
    CHECK(rig.client.subscribe({{"a", {}}}, {}, 7).error() == ReasonCode::packet_identifier_in_use);
    CHECK(*rig.client.subscribe({{"a", {}}}, {}, 8) == 8);
    CHECK(rig.client.unsubscribe({"a"}, {}, 8).error() == ReasonCode::packet_identifier_in_use);
    CHECK(*rig.client.unsubscribe({"a"}, {}, 9) == 9);
    CHECK(rig.sent() == "PUBLISH a 1 q1#7 | SUBSCRIBE 8 a | UNSUBSCRIBE 9 a");
}

TEST_CASE("[MQTT-3.4.2-2] properties that make an acknowledgement too large are left out") {
    PropertyBuilder limits;
    limits.number(PropertyId::maximum_packet_size, 20);
    Rig rig(relay());
    rig.connects(true, false, limits);
    PropertyBuilder properties;
    properties.text(PropertyId::reason_string, "because it is so");
    wire::Ack packet = ack(PacketType::puback, 1, ReasonCode::not_authorized);
    packet.properties = properties.view();
    CHECK(rig.client.send_ack(packet));
    CHECK(rig.client.output().size() == 5);
    CHECK(rig.sent() == "PUBACK 1 not_authorized");
}

TEST_CASE("without a connection nothing is accepted, and nothing is kept") {
    Rig rig(relay());
    CHECK(rig.client.publish(publish("a", "1", qos1, 1)).error() == ReasonCode::server_unavailable);
    CHECK_FALSE(rig.client.send_ack(ack(PacketType::puback, 1)));
    CHECK(rig.connects() == "connected");
    CHECK(rig.sent() == "");
}

TEST_CASE("a full outbox refuses what would make it grow above its fatal limit") {
    Options options = relay();
    options.limits.outbox_bytes_fatal = 100;
    Rig rig(options);
    rig.connects();
    CHECK(rig.client.publish(publish("a", std::string(60, 'x'), qos1, 1)).ok());
    CHECK(rig.client.publish(publish("a", std::string(60, 'x'), qos1, 2)).error() == ReasonCode::quota_exceeded);
    rig.sent();
    CHECK(rig.client.publish(publish("a", std::string(60, 'x'), qos1, 2)).ok());
}

}  // namespace
}  // namespace ledge::client
