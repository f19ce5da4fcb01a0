// Messages from the server and the application's answers.
#include "rig.hpp"

namespace ledge::client {
namespace {

TEST_CASE("QoS 0 is handed over and not answered") {
    Rig rig;
    rig.connects();
    CHECK(rig.gets(publish("a/b", "on")) == "message a/b on");
    CHECK_FALSE(rig.client.acknowledge(1));
    CHECK(rig.sent() == "");
}

TEST_CASE("an acknowledgement leaves when the application gives it") {
    Rig rig;
    rig.connects();
    CHECK(rig.gets(publish("a", "1", qos1, 3)) == "message a 1 q1#3");
    CHECK(rig.gets(publish("a", "2", qos2, 4)) == "message a 2 q2#4");
    CHECK(rig.sent() == "");
    CHECK(rig.client.acknowledge(3));
    CHECK(rig.client.acknowledge(4));
    CHECK_FALSE(rig.client.acknowledge(3));
    CHECK_FALSE(rig.client.acknowledge(4));
    CHECK(rig.sent() == "PUBACK 3 | PUBREC 4");
    rig.gets(ack(PacketType::pubrel, 4));
    CHECK(rig.sent() == "PUBCOMP 4");
}

TEST_CASE("[MQTT-4.6.0-2] [MQTT-4.6.0-3] acknowledgements leave in the order of the messages of their QoS") {
    Rig rig;
    rig.connects();
    for (PacketId id = 1; id <= 3; ++id) {
        rig.gets(publish("a", "x", qos1, id));
        rig.gets(publish("a", "x", qos2, static_cast<PacketId>(id + 10)));
    }
    rig.client.acknowledge(3);
    rig.client.acknowledge(2, ReasonCode::not_authorized);
    rig.client.acknowledge(12);
    CHECK(rig.sent() == "");
    rig.client.acknowledge(1);
    CHECK(rig.sent() == "PUBACK 1 | PUBACK 2 not_authorized | PUBACK 3");
    rig.client.acknowledge(11);
    CHECK(rig.sent() == "PUBREC 11 | PUBREC 12");
}

TEST_CASE("[MQTT-4.3.3-9] after a PUBREC that refuses, the packet id means a new message") {
    Rig rig;
    rig.connects();
    rig.gets(publish("a", "1", qos2, 4));
    rig.client.acknowledge(4, ReasonCode::quota_exceeded);
    CHECK(rig.sent() == "PUBREC 4 quota_exceeded");
    CHECK(rig.gets(publish("a", "2", qos2, 4)) == "message a 2 q2#4");
}

TEST_CASE("[MQTT-4.3.2-5] after PUBACK the packet id means a new message, whatever DUP says") {
    Rig rig;
    rig.connects();
    rig.gets(publish("a", "1", qos1, 4));
    rig.client.acknowledge(4);
    CHECK(rig.gets(publish("a", "1", qos1, 4, true)) == "message a 1 q1#4 dup");
}

TEST_CASE("[MQTT-3.3.4-9] as many unacknowledged messages as Receive Maximum are accepted, then as many again") {
    Options options = lasting();
    options.receive_maximum = 2;
    Rig rig(options);
    rig.connects();
    for (int round = 0; round < 3; ++round) {
        CHECK(rig.gets(publish("a", "1", qos1, 1)) == "message a 1 q1#1");
        CHECK(rig.gets(publish("a", "2", qos2, 2)) == "message a 2 q2#2");
        CHECK(rig.gets(publish("a", "3")) == "message a 3");  // QoS 0 does not count
        rig.client.acknowledge(1);
        rig.client.acknowledge(2);
        rig.gets(ack(PacketType::pubrel, 2));
    }
    rig.gets(publish("a", "2", qos2, 2));
    rig.client.acknowledge(2);  // PUBREC alone makes no room
    rig.gets(publish("a", "1", qos1, 1));
    CHECK(rig.gets(publish("a", "3", qos1, 3)) ==
          "ended violation: more unacknowledged messages than the client's Receive Maximum [MQTT-3.3.4-9]");
}

TEST_CASE("3.1.1: a message that is repeated on its connection is one message with one acknowledgement") {
    Rig rig(lasting(v311));
    rig.connects();
    CHECK(rig.gets(publish("a", "1", qos1, 1)) == "message a 1 q1#1");
    CHECK(rig.gets(publish("a", "1", qos1, 1, true)) == "");
    rig.client.acknowledge(1);
    CHECK(rig.sent() == "PUBACK 1");
    CHECK(rig.gets(publish("a", "2", qos2, 2)) == "message a 2 q2#2");
    CHECK(rig.gets(publish("a", "2", qos2, 2, true)) == "");
    rig.client.acknowledge(2);
    CHECK(rig.sent() == "PUBREC 2");
    CHECK(rig.gets(publish("a", "2", qos2, 2, true)) == "");
    CHECK(rig.sent() == "PUBREC 2");
}

TEST_CASE("[MQTT-3.3.2-10] the server's topic aliases are resolved and taken out of the properties") {
    Options options = lasting();
    options.topic_alias_maximum = 2;
    Rig rig(options);
    rig.connects();
    PropertyBuilder properties;
    properties.text(PropertyId::content_type, "text").number(PropertyId::topic_alias, 2).user("a", "b");
    wire::Publish packet = publish("site/a", "1");
    packet.properties = properties.view();
    CHECK(rig.gets(packet) == "message site/a 1");
    packet.topic = "";
    std::vector<Byte> bytes = encoded(packet, v5);
    Bytes input(bytes);
    const Event event = rig.client.on_bytes(input, rig.now);
    const auto& message = std::get<Message>(event);
    CHECK(message.packet.topic == "site/a");
    CHECK(*message.packet.properties.text(PropertyId::content_type) == "text");
    CHECK(message.packet.properties.has(PropertyId::user_property));
    CHECK_FALSE(message.packet.properties.has(PropertyId::topic_alias));
}

TEST_CASE("[MQTT-3.3.2-2] messages under topics with wildcards can be acknowledged and dropped") {
    Options options = lasting();
    options.drops_wildcard_topics = true;
    SUBCASE("kept: in turn with the others") {
        Rig rig(options);
        rig.connects();
        CHECK(rig.gets(publish("a/#", "x")) == "dropped a/#");
        rig.gets(publish("a", "x", qos1, 1));
        CHECK(rig.gets(publish("a/+", "x", qos1, 2)) == "dropped a/+");
        CHECK(rig.gets(publish("a/+", "x", qos2, 3)) == "dropped a/+");
        CHECK(rig.sent() == "PUBREC 3");
        rig.client.acknowledge(1);
        CHECK(rig.sent() == "PUBACK 1 | PUBACK 2");
        rig.resumes();
        CHECK(rig.gets(publish("a/+", "x", qos2, 3, true)) == "");
        CHECK(rig.gets(ack(PacketType::pubrel, 3)) == "");
        CHECK(rig.sent() == "PUBREC 3 | PUBCOMP 3");
    }
    SUBCASE("passed on") {
        options.flow = Flow::passed_on;
        Rig rig(options);
        rig.connects();
        CHECK(rig.gets(publish("a/+", "x", qos1, 2)) == "dropped a/+");
        CHECK(rig.gets(publish("a/+", "x", qos2, 3)) == "dropped a/+");
        CHECK(rig.sent() == "PUBACK 2 | PUBREC 3");
        CHECK(rig.gets(ack(PacketType::pubrel, 3)) == "PUBREL 3");
    }
    SUBCASE("packet id 0 stays a violation") {
        Rig rig(options);
        rig.connects();
        CHECK(rig.gets_bytes({0x32, 6, 0, 1, '#', 0, 0, 0}) == "ended violation: the packet id is 0 [MQTT-2.2.1-3]");
    }
    SUBCASE("cut short behind the topic") {
        Rig rig(options);
        rig.connects();
        CHECK(rig.gets_bytes({0x32, 3, 0, 1, '#'}) == "ended violation: the packet id is 0 [MQTT-2.2.1-3]");
    }
}

TEST_CASE("a stream may be cut anywhere, and events come one at a time") {
    Rig rig;
    rig.connects();
    std::vector<Byte> stream = encoded(publish("a", "1", qos1, 1), v5);
    const std::vector<Byte> second = encoded(publish("a", "2"), v5);
    stream.insert(stream.end(), second.begin(), second.end());
    for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
        std::string all = rig.gets_bytes(Bytes(stream).first(cut));
        const std::string rest = rig.gets_bytes(Bytes(stream).subspan(cut));
        if (!all.empty() && !rest.empty()) all += " | ";
        CHECK(all + rest == "message a 1 q1#1 | message a 2");
        rig.client.acknowledge(1);
    }
}

TEST_CASE("a relay's answers to a server that does not read are bounded too") {
    Options options = relay();
    options.limits.outbox_bytes_fatal = 50;
    Rig rig(options);
    rig.connects();
    std::string events;
    for (PacketId id = 1; id <= 100 && events.find("ended") == std::string::npos; ++id) {
        events = rig.gets(publish("a", "x", qos1, id));
        rig.client.send_ack(ack(PacketType::puback, id));
        CHECK(rig.client.output().size() <= 60);
    }
    CHECK(events == "ended overload: the server does not read: too many unsent bytes wait in the client");
}

TEST_CASE("a server that sends and does not read ends with an overload, and the outbox is bounded") {
    Options options = lasting();
    options.limits.outbox_bytes_fatal = 50;
    Rig rig(options);
    rig.connects();
    std::string events;
    for (PacketId id = 1; id <= 100 && events.empty(); ++id) {
        events = rig.gets(ack(PacketType::pubrel, id));
        CHECK(rig.client.output().size() <= 60);
    }
    CHECK(events == "ended overload: the server does not read: too many unsent bytes wait in the client");
    CHECK(rig.client.wants_close());
}

}  // namespace
}  // namespace ledge::client
