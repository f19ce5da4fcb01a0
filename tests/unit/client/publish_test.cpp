#include "rig.hpp"

namespace ledge::client {
namespace {

using namespace std::string_view_literals;

TEST_CASE("QoS 0 leaves at once, and needs a connection") {
    Rig rig;
    CHECK(rig.client.publish(publish("a", "1")).error() == ReasonCode::server_unavailable);
    rig.connects();
    CHECK(*rig.client.publish(publish("a", "2")) == 0);
    CHECK(rig.sent() == "PUBLISH a 2");
}

TEST_CASE("[MQTT-4.3.2-1] QoS 1: an unused packet id, done with PUBACK") {
    Rig rig;
    rig.connects();
    CHECK(rig.publishes("a", "1", qos1) == 1);
    CHECK(rig.publishes("a", "2", qos1) == 2);
    CHECK(rig.sent() == "PUBLISH a 1 q1#1 | PUBLISH a 2 q1#2");
    CHECK(rig.client.held_messages() == 2);
    CHECK(rig.gets(ack(PacketType::puback, 1)) == "done 1 success");
    CHECK(rig.gets(ack(PacketType::puback, 2, ReasonCode::not_authorized)) == "done 2 not_authorized");
    CHECK(rig.client.held_messages() == 0);
    CHECK(rig.publishes("a", "3", qos1) == 3);
}

TEST_CASE("[MQTT-4.3.3-4] QoS 2: PUBREC, PUBREL, PUBCOMP") {
    Rig rig;
    rig.connects();
    rig.publishes("a", "1", qos2);
    CHECK(rig.sent() == "PUBLISH a 1 q2#1");
    CHECK(rig.gets(ack(PacketType::pubrec, 1)) == "");
    CHECK(rig.sent() == "PUBREL 1");
    CHECK(rig.gets(ack(PacketType::pubrec, 1)) == "");  // once more
    CHECK(rig.sent() == "PUBREL 1");
    CHECK(rig.gets(ack(PacketType::pubcomp, 1)) == "done 1 success");
    CHECK(rig.gets(ack(PacketType::pubcomp, 1)) == "");
    CHECK(rig.sent() == "");
}

TEST_CASE("[MQTT-4.4.0-2] a PUBREC that refuses ends the exchange") {
    Rig rig;
    rig.connects();
    rig.publishes("a", "1", qos2);
    rig.sent();
    CHECK(rig.gets(ack(PacketType::pubrec, 1, ReasonCode::quota_exceeded)) == "done 1 quota_exceeded");
    CHECK(rig.sent() == "");
    CHECK(rig.resumes() == "connected to session");
    CHECK(rig.sent() == "");
}

TEST_CASE("PUBREC for a packet id that the client does not know is answered with PUBREL 0x92") {
    Rig rig;
    rig.connects();
    CHECK(rig.gets(ack(PacketType::pubrec, 9)) == "");
    CHECK(rig.sent() == "PUBREL 9 packet_identifier_not_found");
    CHECK(rig.gets(ack(PacketType::pubcomp, 9)) == "");
}

TEST_CASE("[MQTT-4.9.0-2] the server's Receive Maximum is the window; the rest waits in order") {
    PropertyBuilder properties;
    properties.number(PropertyId::receive_maximum, 2);
    Rig rig;
    rig.connects(true, false, properties);
    for (const char* payload : {"1", "2", "3", "4"}) rig.publishes("a", payload, qos2);
    CHECK(rig.sent() == "PUBLISH a 1 q2#1 | PUBLISH a 2 q2#2");
    rig.gets(ack(PacketType::pubrec, 1));
    CHECK(rig.sent() == "PUBREL 1");  // [MQTT-4.9.0-3] needs no quota, and gives none
    CHECK(rig.gets(ack(PacketType::pubcomp, 1)) == "done 1 success");
    CHECK(rig.sent() == "PUBLISH a 3 q2#3");
    rig.gets(ack(PacketType::pubrec, 2, ReasonCode::quota_exceeded));
    CHECK(rig.sent() == "PUBLISH a 4 q2#4");
}

TEST_CASE("the client's own limit in flight is kept too") {
    Options options = lasting();
    options.limits.inflight_max = 1;
    Rig rig(options);
    rig.connects();
    rig.publishes("a", "1", qos1);
    rig.publishes("a", "2", qos1);
    CHECK(rig.sent() == "PUBLISH a 1 q1#1");
    rig.gets(ack(PacketType::puback, 1));
    CHECK(rig.sent() == "PUBLISH a 2 q1#2");
}

TEST_CASE("what the server does not allow is refused before it is sent") {
    PropertyBuilder properties;
    properties.number(PropertyId::maximum_qos, 1)
        .number(PropertyId::retain_available, 0)
        .number(PropertyId::maximum_packet_size, 20);
    Rig rig;
    rig.connects(true, false, properties);
    CHECK(rig.client.publish(publish("a", "1", qos2)).error() == ReasonCode::qos_not_supported);  // [MQTT-3.2.2-11]
    wire::Publish retained = publish("a", "1", qos1);
    retained.retain = true;
    CHECK(rig.client.publish(retained).error() == ReasonCode::retain_not_supported);  // [MQTT-3.2.2-14]
    const std::string large(15, 'x');
    CHECK(rig.client.publish(publish("a", large, qos0)).error() == ReasonCode::packet_too_large);  // [MQTT-3.2.2-15]
    CHECK(rig.client.publish(publish("a", large.substr(1), qos0)).ok());
    CHECK(rig.client.held_messages() == 0);
}

TEST_CASE("what was published without a connection meets the limits later, and its end is told") {
    Rig rig;
    rig.publishes("a", "1", qos1);
    rig.publishes("a", "2", qos2);
    rig.publishes("a", "3", qos1);
    PropertyBuilder properties;
    properties.number(PropertyId::maximum_qos, 1);
    CHECK(rig.connects(true, false, properties) == "connected | done 2 qos_not_supported not_sent");
    CHECK(rig.sent() == "PUBLISH a 1 q1#1 | PUBLISH a 3 q1#3");
}

TEST_CASE("topic names that the standard does not allow are refused") {
    Rig rig;
    rig.connects();
    const std::string_view with_null("a\0b", 3);
    for (const std::string_view topic : {std::string_view(), "a/+"sv, "#"sv, "a\xff"sv, with_null})
        CHECK(rig.client.publish(publish(topic, "1", qos1)).error() == ReasonCode::topic_name_invalid);
    PropertyBuilder properties;
    wire::Publish packet = publish("a", "1");
    packet.properties = properties.number(PropertyId::subscription_identifier, 1).view();
    CHECK(rig.client.publish(packet).error() == ReasonCode::protocol_error);  // [MQTT-3.3.4-6]
    properties.clear();
    packet.properties = properties.number(PropertyId::topic_alias, 1).view();
    CHECK(rig.client.publish(packet).error() == ReasonCode::protocol_error);
}

TEST_CASE("held messages are limited in number and in bytes, and the oldest can be withdrawn") {
    Options options = lasting();
    options.limits.held_messages_max = 2;
    options.limits.held_bytes_max = 100;
    Rig rig(options);
    rig.publishes("a", "1", qos1);
    CHECK(rig.client.publish(publish("a", std::string(99, 'x'), qos1)).error() == ReasonCode::quota_exceeded);
    rig.publishes("a", "2", qos1);
    CHECK(rig.client.publish(publish("a", "3", qos1)).error() == ReasonCode::quota_exceeded);
    CHECK(rig.client.withdraw_oldest() == 1);
    rig.publishes("a", "3", qos1);
    rig.connects();
    CHECK(rig.sent() == "PUBLISH a 2 q1#2 | PUBLISH a 3 q1#3");
    CHECK(rig.client.withdraw_oldest() == 0);  // the server may have them
    rig.client.closed();
    CHECK(rig.client.withdraw_oldest() == 0);  // its session lasts
}

TEST_CASE("a message that was sent can be withdrawn when its session has ended") {
    Options options = lasting();
    options.session_expiry_s = 0;
    Rig rig(options);
    rig.connects();
    rig.publishes("a", "1", qos1);
    rig.sent();
    rig.client.closed();
    CHECK(rig.client.withdraw_oldest() == 1);
    CHECK(rig.client.held_messages() == 0);
}

TEST_CASE("the application may choose the packet id") {
    Rig rig;
    rig.connects();
    CHECK(*rig.client.publish(publish("a", "1", qos1, 700)) == 700);
    CHECK(rig.client.publish(publish("a", "1", qos1, 700)).error() == ReasonCode::packet_identifier_in_use);
    CHECK(rig.publishes("a", "2", qos1) == 701);
}

TEST_CASE("packet ids start again after 65,535 and leave out what is in use") {
    Options options = lasting();
    options.limits.held_messages_max = 10;
    Rig rig(options);
    CHECK(*rig.client.publish(publish("a", "1", qos1, 1)) == 1);
    CHECK(*rig.client.publish(publish("a", "2", qos1, 65'534)) == 65'534);
    CHECK(rig.publishes("a", "3", qos1) == 65'535);
    CHECK(rig.publishes("a", "4", qos1) == 2);
}

TEST_CASE("a full outbox refuses QoS 0 and lets QoS 1 wait until the transport has taken something") {
    Options options = lasting();
    options.limits.outbox_bytes_max = 60;
    Rig rig(options);
    rig.connects();
    const std::string payload(50, 'x');
    CHECK(rig.client.publish(publish("a", payload)).ok());
    CHECK(rig.client.wants_input());
    CHECK(rig.client.publish(publish("b", payload)).ok());
    CHECK_FALSE(rig.client.wants_input());
    CHECK(rig.client.publish(publish("c", payload)).error() == ReasonCode::quota_exceeded);
    rig.publishes("d", "later", qos1);
    const std::size_t before = rig.client.output().size();
    rig.client.sent(before, rig.now);
    CHECK(rig.sent() == "PUBLISH d later q1#1");
}

TEST_CASE("topic aliases: the least recently used topic loses its alias [MQTT-3.2.2-17]") {
    PropertyBuilder properties;
    properties.number(PropertyId::topic_alias_maximum, 2);
    Rig rig;
    rig.connects(true, false, properties);
    for (const char* topic : {"a", "b", "a", "c", "a", "b"}) rig.publishes(topic, "x", qos0);
    CHECK(rig.sent() ==
          "PUBLISH a x alias 1 | PUBLISH b x alias 2 | PUBLISH  x alias 1 | PUBLISH c x alias 2 | PUBLISH  x alias 1 | "
          "PUBLISH b x alias 2");
    rig.resumes(true, properties);
    rig.publishes("a", "x", qos0);
    CHECK(rig.sent() == "PUBLISH a x alias 1");  // [MQTT-3.3.2-7]
    rig.resumes();
    rig.publishes("a", "x", qos0);
    CHECK(rig.sent() == "PUBLISH a x");  // [MQTT-3.2.2-18]
}

TEST_CASE("an alias that would make the packet too large is left out") {
    PropertyBuilder properties;
    properties.number(PropertyId::topic_alias_maximum, 2).number(PropertyId::maximum_packet_size, 20);
    Rig rig;
    rig.connects(true, false, properties);
    rig.publishes("a", std::string(14, 'x'), qos0);
    rig.publishes("a", std::string(9, 'x'), qos0);
    CHECK(rig.sent() == "PUBLISH a xxxxxxxxxxxxxx | PUBLISH a xxxxxxxxx alias 1");
}

}  // namespace
}  // namespace ledge::client
