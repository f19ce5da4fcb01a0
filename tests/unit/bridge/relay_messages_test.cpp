// Messages through a relay, in both directions, and the answers to them.
#include "relay_rig.hpp"

namespace ledge::bridge {
namespace {

TEST_CASE("a message of QoS 1 or 2 and its answers keep their packet ids, in both directions") {
    RelayRig rig;
    rig.connects();
    rig.in_gets(publish("plant/a", "1", qos1, 7));
    rig.in_gets(publish("plant/b", "2", qos2, 8));
    CHECK(rig.up() == "PUBLISH site/plant/a 1 q1#7 | PUBLISH site/plant/b 2 q2#8");
    CHECK(rig.in() == "");  // an acknowledgement is passed on, never invented
    rig.up_gets(ack(PacketType::puback, 7));
    rig.up_gets(ack(PacketType::pubrec, 8));
    CHECK(rig.in() == "PUBACK 7 | PUBREC 8");
    rig.in_gets(ack(PacketType::pubrel, 8));
    CHECK(rig.up() == "PUBREL 8");
    rig.up_gets(ack(PacketType::pubcomp, 8));
    CHECK(rig.in() == "PUBCOMP 8");

    rig.up_gets(publish("site/cmd/a", "1", qos1, 7));
    rig.up_gets(publish("site/cmd/b", "2", qos2, 8));
    CHECK(rig.in() == "PUBLISH cmd/a 1 q1#7 | PUBLISH cmd/b 2 q2#8");
    CHECK(rig.up() == "");
    rig.in_gets(ack(PacketType::puback, 7));
    rig.in_gets(ack(PacketType::pubrec, 8));
    CHECK(rig.up() == "PUBACK 7 | PUBREC 8");
    rig.up_gets(ack(PacketType::pubrel, 8));
    CHECK(rig.in() == "PUBREL 8");
    rig.in_gets(ack(PacketType::pubcomp, 8));
    CHECK(rig.up() == "PUBCOMP 8");
    CHECK(rig.relay.counters().out_done == 2);
    CHECK(rig.relay.counters().in_done == 2);
}

TEST_CASE("the round trip is measured by one message at a time, and by PINGREQ while none is under way") {
    RelayRig rig;
    rig.connects();
    CHECK_FALSE(rig.relay.round_trip().mean().has_value());
    rig.in_gets(publish("plant/a", "1", qos1, 7));
    rig.in_gets(publish("plant/a", "2", qos2, 8));
    rig.passes(20ms);
    rig.up_gets(ack(PacketType::pubrec, 8));
    CHECK_FALSE(rig.relay.round_trip().mean().has_value());
    rig.passes(20ms);
    rig.up_gets(ack(PacketType::puback, 7));
    CHECK(rig.relay.round_trip().mean() == 40ms);
    CHECK(rig.relay.round_trip().max(rig.now) == 40ms);
    rig.up();
    while (rig.up().find("PINGREQ") == std::string::npos) rig.passes(1s);
    rig.passes(120ms);
    rig.up_gets_bytes({0xD0, 0});
    CHECK(rig.relay.round_trip().mean() == 50ms);
}

TEST_CASE("drops and refusals are counted by reason, and in sum") {
    RelayRig rig;
    rig.connects();
    rig.in_gets(publish("plant/a", "1", qos1, 1));
    rig.up_gets(ack(PacketType::puback, 1, ReasonCode::not_authorized));
    rig.in_gets(publish("plant/a", "1", qos1, 2));
    rig.up_gets(ack(PacketType::puback, 2, ReasonCode::payload_format_invalid));
    rig.up_gets(publish("site/cmd/a", "1", qos1, 3));
    rig.in_gets(ack(PacketType::puback, 3, ReasonCode::not_authorized));
    const RelayCounters& counters = rig.relay.counters();
    CHECK(counters.refused == 3);
    CHECK(counters.refused_here == 1);
    CHECK(counters.refused_by_code[refusal_index(ReasonCode::not_authorized)] == 1);
    CHECK(counters.refused_by_code[refusal_index(ReasonCode::payload_format_invalid)] == 1);
    CHECK(counters.dropped == counters.dropped_slow + counters.dropped_unsendable + counters.dropped_incoming);
}

TEST_CASE("the two directions have separate packet ids") {
    RelayRig rig;
    rig.connects();
    rig.in_gets(publish("plant/a", "out", qos2, 5));
    rig.up_gets(publish("site/cmd/a", "in", qos2, 5));
    CHECK(rig.up() == "PUBLISH site/plant/a out q2#5");
    CHECK(rig.in() == "PUBLISH cmd/a in q2#5");
    rig.up_gets(ack(PacketType::pubrec, 5));
    CHECK(rig.in() == "PUBREC 5");
    rig.in_gets(ack(PacketType::pubrec, 5));
    CHECK(rig.up() == "PUBREC 5");
    rig.up_gets(ack(PacketType::pubrel, 5));
    rig.in_gets(ack(PacketType::pubrel, 5));
    CHECK(rig.up() == "PUBREL 5");
    CHECK(rig.in() == "PUBREL 5");
}

TEST_CASE("QoS 0 is passed on without an answer") {
    RelayRig rig;
    rig.connects();
    rig.in_gets(publish("plant/a", "1"));
    rig.up_gets(publish("site/cmd/a", "2"));
    CHECK(rig.up() == "PUBLISH site/plant/a 1");
    CHECK(rig.in() == "PUBLISH cmd/a 2");
}

TEST_CASE("a local broker that does not read makes the upstream wait, and costs no message of QoS 0") {
    RelayRig rig;
    rig.connects();
    const std::string large(100'000, 'x');
    for (int i = 0; i < 5; ++i) rig.up_gets(publish("site/cmd/a", large));
    CHECK(rig.relay.counters().in == 3);  // the output holds 256 KiB; the rest waits
    CHECK(rig.relay.counters().dropped == 0);
    SUBCASE("until it reads again") {
        rig.in();
        rig.up_gets(publish("site/cmd/b", "last"));
        CHECK(rig.relay.counters().in == 6);
        const std::string rest = rig.in();
        CHECK(rest.ends_with("PUBLISH cmd/b last"));
        CHECK(rig.relay.counters().dropped == 0);
    }
    SUBCASE("until the connections end: then the message in between is lost, and counted") {
        rig.loses_inner();
        CHECK(rig.relay.counters().dropped == 1);
        CHECK(rig.events().ends_with("ended | dropped site/cmd/a"));
    }
}

TEST_CASE("an upstream that is not read is not silent: its PINGRESP may wait unread") {
    Connacks connacks;
    connacks.inner_properties.number(PropertyId::receive_maximum, 1);
    RelayRig rig;
    rig.connects(connacks);
    rig.events();
    rig.up_gets(publish("site/cmd/a", "1", qos1, 1));
    rig.passes(29s);
    rig.up();
    rig.up_gets(publish("site/cmd/a", "2", qos1, 2));  // waits for PUBACK of the local broker
    rig.passes(50s);
    CHECK(rig.up() == "PINGREQ | PINGREQ");
    CHECK(rig.events() == "");
    rig.in_gets(ack(PacketType::puback, 1));
    CHECK(rig.up() == "PUBACK 1");
    SUBCASE("it answers") {
        rig.up_gets_bytes({0xD0, 0, 0xD0, 0});
        rig.passes(11s);
        CHECK(rig.events() == "");
    }
    SUBCASE("it is silent from now on as well") {
        rig.passes(11s);
        CHECK(rig.events() == "ended");
        CHECK(rig.last_text.find("PINGRESP") != std::string::npos);
    }
}

TEST_CASE("rule 14: a message that no route carries is acknowledged and dropped, so that it does not come for ever") {
    RelayRig rig;
    rig.connects();
    rig.in_gets(publish("other", "1", qos1, 1));
    rig.in_gets(publish("other", "1", qos2, 2));
    CHECK(rig.in() == "PUBACK 1 | PUBREC 2");
    rig.in_gets(ack(PacketType::pubrel, 2));
    CHECK(rig.in() == "PUBCOMP 2");
    rig.up_gets(publish("$SYS/uptime", "1", qos1, 1));
    rig.up_gets(publish("site/other", "1", qos2, 2));
    rig.up_gets(ack(PacketType::pubrel, 2));
    CHECK(rig.up() == "PUBACK 1 | PUBREC 2 | PUBCOMP 2");
    CHECK(rig.relay.counters().no_route == 4);
}

TEST_CASE("a route's QoS is a cap, and the relay translates between the two kinds of exchange") {
    RelayOptions options = relay_options();
    options.routes[0].qos = options.routes[1].qos = QoS::at_least_once;
    RelayRig rig(options);
    rig.connects();
    rig.in_gets(publish("plant/a", "1", qos2, 3));
    CHECK(rig.up() == "PUBLISH site/plant/a 1 q1#3");
    CHECK(rig.in() == "");
    rig.up_gets(ack(PacketType::puback, 3));
    CHECK(rig.in() == "PUBREC 3");
    rig.in_gets(ack(PacketType::pubrel, 3));
    CHECK(rig.in() == "PUBCOMP 3");
    rig.up_gets(publish("site/cmd/a", "1", qos2, 4));
    CHECK(rig.in() == "PUBLISH cmd/a 1 q1#4");
    CHECK(rig.up() == "");
    rig.in_gets(ack(PacketType::puback, 4));
    CHECK(rig.up() == "PUBREC 4");
    rig.up_gets(ack(PacketType::pubrel, 4));
    CHECK(rig.up() == "PUBCOMP 4");
}

TEST_CASE("with QoS 0 at most, the sender is answered when the message has been sent") {
    RelayOptions options = relay_options();
    options.routes[0].qos = QoS::at_most_once;
    RelayRig rig(options);
    rig.connects();
    rig.in_gets(publish("plant/a", "1", qos1, 3, true));
    CHECK(rig.up() == "PUBLISH site/plant/a 1");
    CHECK(rig.in() == "PUBACK 3");
}

TEST_CASE("[MQTT-3.2.2-11] the upstream's Maximum QoS is a cap") {
    Connacks connacks;
    connacks.upstream_properties.number(PropertyId::maximum_qos, 1);
    RelayRig rig;
    rig.opens(connacks);
    rig.opens_inner(connacks);
    CHECK(rig.answers_requests().find("plant/#") != std::string::npos);
    rig.in_gets(publish("plant/a", "1", qos2, 3));
    CHECK(rig.up() == "PUBLISH site/plant/a 1 q1#3");
}

TEST_CASE("rule 7: a PUBACK that answers QoS 2 is the final acknowledgement, and QoS 1 is used from then on") {
    UpstreamOptions rabbit = old_upstream(UpstreamKind::generic);
    rabbit.maximum_qos = QoS::exactly_once;
    rabbit.kind.reset();
    RelayRig rig(relay_options(), rabbit);
    rig.connects();
    rig.events();
    rig.in_gets(publish("plant/a", "1", qos2, 3));
    CHECK(rig.up() == "PUBLISH site/plant/a 1 q2#3");
    rig.up_gets(ack(PacketType::puback, 3));
    CHECK(rig.in() == "PUBREC 3");
    CHECK(rig.events() == "qos_lowered");
    rig.in_gets(ack(PacketType::pubrel, 3));
    CHECK(rig.in() == "PUBCOMP 3");
    CHECK(rig.up() == "");
    rig.in_gets(publish("plant/a", "2", qos2, 4));
    CHECK(rig.up() == "PUBLISH site/plant/a 2 q1#4");
    CHECK(rig.upstream.kind() == UpstreamKind::rabbitmq);
}

TEST_CASE("all properties of MQTT 5 survive, except those that belong to one connection") {
    RelayRig rig;
    rig.connects();
    PropertyBuilder given;
    given.number(PropertyId::payload_format_indicator, 1);
    given.number(PropertyId::message_expiry_interval, 60);
    given.text(PropertyId::content_type, "text/plain");
    given.text(PropertyId::response_topic, "elsewhere/x");
    given.text(PropertyId::correlation_data, std::string_view("\0\1", 2));
    given.user("b", "2");
    given.user("a", "1");
    PropertyBuilder expected = given;
    given.number(PropertyId::subscription_identifier, 9);
    wire::Publish packet = publish("plant/a", "1", qos1, 3);
    packet.properties = given.view();
    rig.in_gets(packet);
    rig.up();
    CHECK(as_text(rig.last_publish(true).properties.raw()) == as_text(expected.view().raw()));
    packet.topic = "site/cmd/a";
    rig.up_gets(packet);
    rig.in();
    CHECK(as_text(rig.last_publish(false).properties.raw()) == as_text(expected.view().raw()));
}

TEST_CASE("a response topic is translated, so that the answer finds its way back") {
    RelayRig rig;
    rig.connects();
    wire::Publish packet = publish("plant/a", "?", qos1, 3);
    PropertyBuilder given;
    given.text(PropertyId::response_topic, "cmd/answer/1");
    packet.properties = given.view();
    rig.in_gets(packet);
    rig.up();
    CHECK(rig.last_publish(true).properties.text(PropertyId::response_topic) == "site/cmd/answer/1");
}

TEST_CASE("3.1.1 carries topic, payload, QoS and RETAIN; the properties are left out") {
    RelayRig rig(relay_options(), old_upstream(UpstreamKind::mosquitto));
    rig.connects();
    wire::Publish packet = publish("plant/a", "1", qos2, 3);
    packet.retain = true;
    PropertyBuilder given;
    given.user("a", "1");
    packet.properties = given.view();
    rig.in_gets(packet);
    CHECK(rig.up() == "PUBLISH site/plant/a 1 q2#3 retain");
}

TEST_CASE("RETAIN is kept or cleared as the route and the upstream want it") {
    const auto passed = [](RetainRule rule, std::uint32_t is_available) {
        RelayOptions options = relay_options();
        options.routes[0].retain = rule;
        Connacks connacks;
        connacks.upstream_properties.number(PropertyId::retain_available, is_available);
        RelayRig rig(options);
        rig.connects(connacks);
        wire::Publish packet = publish("plant/a", "1", qos1, 3);
        packet.retain = true;
        rig.in_gets(packet);
        rig.up();
        return rig.last_publish(true).retain;
    };
    CHECK(passed(RetainRule::keep, 1));
    CHECK_FALSE(passed(RetainRule::clear, 1));
    CHECK_FALSE(passed(RetainRule::keep, 0));  // [MQTT-3.2.2-14]
}

TEST_CASE("an error code of the upstream is passed on and told; the message is gone") {
    RelayRig rig;
    rig.connects();
    rig.events();
    rig.in_gets(publish("plant/a", "1", qos1, 3));
    rig.in_gets(publish("plant/b", "1", qos2, 4));
    rig.up_gets(ack(PacketType::puback, 3, ReasonCode::not_authorized));
    rig.up_gets(ack(PacketType::pubrec, 4, ReasonCode::payload_format_invalid));
    CHECK(rig.in() == "PUBACK 3 not_authorized | PUBREC 4 payload_format_invalid");
    CHECK(rig.events() == "refused site/plant/a | refused site/plant/b");
    CHECK(rig.relay.counters().refused == 2);
}

TEST_CASE("an upstream that has no room is asked again later: the message stays in the local queue") {
    RelayRig rig;
    rig.connects();
    rig.events();
    rig.in_gets(publish("plant/a", "1", qos1, 3));
    rig.up_gets(ack(PacketType::puback, 3, ReasonCode::quota_exceeded));
    CHECK(rig.in() == "DISCONNECT");
    CHECK(rig.events() == "ended");
    CHECK(rig.last_text == "the upstream accepts no message now: quota_exceeded");
    CHECK(rig.relay.retry_class() == RetryClass::network);
}

TEST_CASE("a message that the local broker cannot store now stays with the upstream") {
    RelayRig rig;
    rig.connects();
    rig.events();
    rig.up_gets(publish("site/cmd/a", "1", qos1, 3));
    rig.in_gets(ack(PacketType::puback, 3, ReasonCode::quota_exceeded));
    CHECK(rig.up() == "DISCONNECT");
    CHECK(rig.events() == "ended");
}

TEST_CASE("a message that the local broker refuses for good is told, and the upstream gets the code") {
    RelayRig rig;
    rig.connects();
    rig.events();
    rig.up_gets(publish("site/cmd/a", "1", qos1, 3));
    rig.in_gets(ack(PacketType::puback, 3, ReasonCode::not_authorized));
    CHECK(rig.up() == "PUBACK 3 not_authorized");
    CHECK(rig.events() == "refused_locally cmd/a");
}

TEST_CASE("rule 5: a late PUBACK is awaited; nothing is sent twice on one connection") {
    RelayRig rig;
    rig.connects();
    rig.in_gets(publish("plant/a", "1", qos1, 3));
    CHECK(rig.up() == "PUBLISH site/plant/a 1 q1#3");
    for (int minute = 0; minute < 10; ++minute) {
        rig.passes(31s);
        CHECK(rig.up() == "PINGREQ");
        rig.up_gets_bytes({0xD0, 0});
        CHECK(rig.relay.oldest_unanswered().has_value());
    }
    rig.up_gets(ack(PacketType::puback, 3));
    CHECK(rig.in() == "PUBACK 3");
    CHECK_FALSE(rig.relay.oldest_unanswered());
}

TEST_CASE("rule 21: a repetition on a live connection is one message with one acknowledgement") {
    RelayRig rig(relay_options(), old_upstream(UpstreamKind::nats));
    rig.connects();
    rig.up_gets(publish("site/cmd/a", "1", qos1, 3));
    rig.up_gets(publish("site/cmd/a", "1", qos1, 3, true));
    CHECK(rig.in() == "PUBLISH cmd/a 1 q1#3");
    rig.in_gets(ack(PacketType::puback, 3));
    CHECK(rig.up() == "PUBACK 3");
    CHECK(rig.relay.counters().repeated == 1);
}

TEST_CASE("rule 20: a DUP flag decides nothing") {
    RelayRig rig(relay_options(), old_upstream(UpstreamKind::aedes));
    rig.connects({.upstream_present = true, .inner_present = true});
    rig.up_gets(publish("site/cmd/a", "1", qos1, 3, true));  // RabbitMQ: a first delivery with DUP
    rig.up_gets(publish("site/cmd/a", "1", qos1, 4));        // aedes: a repetition without DUP
    CHECK(rig.in() == "PUBLISH cmd/a 1 q1#3 dup | PUBLISH cmd/a 1 q1#4");
}

TEST_CASE("rule 13: a message on a topic with a wildcard is acknowledged and dropped") {
    RelayRig rig(relay_options(), old_upstream(UpstreamKind::rabbitmq));
    rig.connects();
    rig.events();
    rig.up_gets(publish("site/cmd/+", "1", qos1, 3));
    CHECK(rig.up() == "PUBACK 3");
    CHECK(rig.in() == "");
    CHECK(rig.events() == "strange_topic site/cmd/+");
    CHECK(rig.relay.stage() == Relay::Stage::relaying);
}

TEST_CASE("a packet in pieces of one byte is read as a whole") {
    RelayRig rig;
    rig.connects();
    for (const Byte byte : client::encoded(publish("site/cmd/a", "1", qos1, 3), v5)) rig.up_gets_bytes({byte});
    CHECK(rig.in() == "PUBLISH cmd/a 1 q1#3");
}

TEST_CASE("an upstream that breaks the protocol ends the connection, and the log says which rule") {
    const auto ended_by = [](auto&& act) {
        RelayRig rig;
        rig.connects();
        rig.events();
        rig.in_gets(publish("plant/a", "1", qos1, 3));
        rig.in_gets(publish("plant/a", "2", qos2, 4));
        rig.up_gets(publish("site/cmd/a", "1", qos2, 5));
        act(rig);
        CHECK(rig.relay.stage() == Relay::Stage::ending);
        CHECK(rig.events() == "ended");
        rig.finishes();
        return rig.last_text;
    };
    CHECK(ended_by([](RelayRig& rig) { rig.up_gets(ack(PacketType::puback, 9)); }).find("breaks the protocol") !=
          std::string::npos);
    CHECK(ended_by([](RelayRig& rig) { rig.up_gets(ack(PacketType::pubrec, 3)); }) ==
          "the upstream breaks the protocol: PUBREC answers QoS 1 [MQTT-4.3.2-2]");
    CHECK(ended_by([](RelayRig& rig) {
              rig.up_gets(ack(PacketType::pubrec, 4));
              rig.up_gets(ack(PacketType::puback, 4));
          }) == "the upstream breaks the protocol: PUBACK after PUBREC [MQTT-4.3.3-4]");
    CHECK(ended_by([](RelayRig& rig) { rig.up_gets(ack(PacketType::pubrel, 5)); }) ==
          "the upstream breaks the protocol: PUBREL before PUBREC [MQTT-4.3.3-5]");
    CHECK(ended_by([](RelayRig& rig) {
              rig.up_gets_bytes({0xF1, 0xFF, 0xFF, 0xFF, 0xFF});
          }).find("breaks the protocol") != std::string::npos);
}

TEST_CASE("answers to nothing are not passed on") {
    RelayRig rig;
    rig.connects();
    rig.up_gets(ack(PacketType::pubrec, 9));
    rig.up_gets(ack(PacketType::pubcomp, 9));
    CHECK(rig.up() == "PUBREL 9 packet_identifier_not_found");
    CHECK(rig.in() == "");
}

}  // namespace
}  // namespace ledge::bridge
