// Messages that cannot be sent, and messages that return.
#include "ledge/bridge/marks.hpp"
#include "relay_rig.hpp"

namespace ledge::bridge {
namespace {

TEST_CASE("rule 12: a topic that the upstream cannot have is set aside, and its sender is answered when that is safe") {
    RelayRig rig(relay_options(), old_upstream(UpstreamKind::nats));
    rig.connects();
    rig.events();
    rig.in_gets(publish("plant/a.b", "1", qos1, 3));
    CHECK(rig.up() == "");
    const std::string sent = rig.in();
    CHECK(sent == "PUBLISH dead/plant/a.b 1 q1#32768");
    PropertyBuilder expected;
    expected.user("ledge-topic", "plant/a.b");
    expected.user("ledge-reason", text_of(TopicProblem::fatal_character));
    CHECK(as_text(rig.last_publish(false).properties.raw()) == as_text(expected.view().raw()));
    rig.in_gets(ack(PacketType::puback, 32'768));
    CHECK(rig.in() == "PUBACK 3");
    CHECK(rig.events() == "set_aside plant/a.b");
    CHECK(rig.relay.counters().set_aside == 1);
    rig.in_gets(publish("plant/c", "1", qos1, 4));
    CHECK(rig.up() == "PUBLISH site/plant/c 1 q1#4");
}

TEST_CASE("rule 12: a character map replaces characters that the upstream cannot have") {
    RelayOptions options = relay_options();
    options.character_map = {{'.', '_'}, {' ', '-'}};
    RelayRig rig(options, old_upstream(UpstreamKind::nats));
    rig.connects();
    rig.in_gets(publish("plant/a.b c", "1", qos1, 3));
    CHECK(rig.up() == "PUBLISH site/plant/a_b-c 1 q1#3");
}

TEST_CASE("a message that is too large for the upstream is set aside") {
    Connacks connacks;
    connacks.upstream_properties.number(PropertyId::maximum_packet_size, 100);
    RelayRig rig;
    rig.connects(connacks);
    rig.events();
    rig.in_gets(publish("plant/a", std::string(84, 'x'), qos2, 3));  // 5 bytes more with the prefix
    CHECK(rig.up() == "");
    CHECK(rig.in().starts_with("PUBLISH dead/plant/a xxx"));
    rig.in_gets(ack(PacketType::puback, 32'768));
    CHECK(rig.in() == "PUBREC 3");
    rig.in_gets(ack(PacketType::pubrel, 3));
    CHECK(rig.in() == "PUBCOMP 3");
    CHECK(rig.events() == "set_aside plant/a");
    CHECK(rig.last_text == "packet_too_large");
}

TEST_CASE(
    "a message that is larger than packet_bytes_max is set aside, and one that just fits is sent, however large") {
    RelayOptions options = relay_options();
    options.packet_bytes_max = 4 * 1024 * 1024;
    RelayRig rig(options);
    rig.connects();
    rig.events();
    rig.in_gets(publish("plant/a", std::string(options.packet_bytes_max, 'x'), qos1, 3));
    CHECK(rig.up() == "");
    CHECK(rig.in().starts_with("PUBLISH dead/plant/a xxx"));
    rig.in_gets(publish("plant/a", std::string(options.packet_bytes_max - 100, 'x'), qos1, 4));
    CHECK(rig.up().starts_with("PUBLISH site/plant/a xxx"));
}

TEST_CASE("a message of a 3.1.1 upstream that is larger than packet_bytes_max is dropped, and the next one comes") {
    RelayOptions options = relay_options();
    options.packet_bytes_max = 1000;
    RelayRig rig(options, old_upstream(UpstreamKind::mosquitto));
    rig.connects();
    rig.events();
    rig.up_gets(publish("site/cmd/a", std::string(2000, 'x'), qos1, 3));
    CHECK(rig.up() == "PUBACK 3");
    CHECK(rig.in() == "");
    CHECK(rig.events() == "dropped site/cmd/a");
    rig.up_gets(publish("site/cmd/a", "1", qos1, 4));
    CHECK(rig.in() == "PUBLISH cmd/a 1 q1#4");
}

TEST_CASE("every 16th message of a one-way route is marked, so that a ring of one-way routes ends") {
    RelayRig rig;
    rig.connects();
    int marked = 0;
    for (int i = 0; i < 64; ++i) {
        rig.in_gets(publish("plant/a", "1"));
        rig.up();
        if (marks_of(rig.last_publish(true).properties).hops == 1) ++marked;
    }
    CHECK(marked == 4);
}

TEST_CASE("the packet id of a dead letter is none of a subscription that has no answer yet") {
    RelayRig rig(relay_options(), old_upstream(UpstreamKind::nats));
    rig.opens({.upstream_present = true});
    rig.opens_inner({.inner_present = true});
    CHECK(rig.in() == "SUBSCRIBE 32768 plant/#");
    rig.in_gets(publish("plant/a.b", "1", qos1, 3));
    CHECK(rig.in() == "PUBLISH dead/plant/a.b 1 q1#32769");
}

TEST_CASE("without a dead letter topic a message that cannot be sent is dropped, and told") {
    RelayOptions options = relay_options();
    options.dead_letter_topic.clear();
    RelayRig rig(options, old_upstream(UpstreamKind::nats));
    rig.connects();
    rig.events();
    rig.in_gets(publish("plant/a.b", "1", qos1, 3));
    CHECK(rig.in() == "PUBACK 3");
    CHECK(rig.events() == "dropped plant/a.b");
}

TEST_CASE("a dead letter that cannot be stored now keeps its message in the queue") {
    RelayRig rig(relay_options(), old_upstream(UpstreamKind::nats));
    rig.connects();
    rig.events();
    rig.in_gets(publish("plant/a.b", "1", qos1, 3));
    rig.in();
    rig.in_gets(ack(PacketType::puback, 32'768, ReasonCode::quota_exceeded));
    CHECK(rig.in() == "DISCONNECT");
    CHECK(rig.events() == "ended");
}

TEST_CASE(
    "Mosquitto in 3.1.1 gets 20 messages of QoS 2 at once, since it loses further ones; QoS 1 has no such limit") {
    for (const QoS qos : {QoS::at_least_once, QoS::exactly_once}) {
        RelayOptions options = relay_options();
        for (Route& route : options.routes) route.qos = qos;
        RelayRig old(options, old_upstream(UpstreamKind::mosquitto));
        old.connects();
        const auto limit = old.last_connect(false).properties.number(PropertyId::receive_maximum);
        CHECK(limit == (qos == QoS::exactly_once ? 20U : 1000U));
    }
}

TEST_CASE("rule 11: a message that the upstream answers three times by closing is set aside, and the queue goes on") {
    RelayRig rig(relay_options(), old_upstream(UpstreamKind::mosquitto));
    for (int attempt = 1; attempt <= 3; ++attempt) {
        rig.connects({.upstream_present = true, .inner_present = true});
        rig.in_gets(publish("plant/bad", "1", qos1, 3, attempt > 1));
        CHECK(rig.up().starts_with("PUBLISH site/plant/bad 1 q1#3"));
        if (attempt == 1) rig.in_gets(publish("plant/good", "1", qos1, 4));
        rig.loses_upstream();
    }
    rig.connects({.upstream_present = true, .inner_present = true});
    CHECK(rig.last_connect(false).properties.number(PropertyId::receive_maximum) == 1);
    rig.events();
    rig.in_gets(publish("plant/bad", "1", qos1, 3, true));
    CHECK(rig.up() == "");
    CHECK(rig.in() == "PUBLISH dead/plant/bad 1 q1#32768");
    rig.in_gets(ack(PacketType::puback, 32'768));
    CHECK(rig.in() == "PUBACK 3 | DISCONNECT");  // and now at full speed again
    CHECK(rig.events() == "set_aside plant/bad | ended");
    CHECK(rig.relay.retry_class() == RetryClass::at_once);
    rig.finishes();
    rig.connects({.upstream_present = true, .inner_present = true});
    CHECK(rig.last_connect(false).properties.number(PropertyId::receive_maximum) == 20);  // as Mosquitto in 3.1.1 wants
    rig.in_gets(publish("plant/good", "1", qos1, 4, true));
    CHECK(rig.up() == "PUBLISH site/plant/good 1 q1#4 dup");
}

TEST_CASE("rule 11: of several messages under way the guilty one is found, not the oldest one") {
    RelayRig rig(relay_options(), old_upstream(UpstreamKind::mosquitto));
    const Connacks resume{.upstream_present = true, .inner_present = true};
    rig.connects(resume);
    rig.in_gets(publish("plant/innocent", "1", qos1, 3));
    rig.in_gets(publish("plant/bad", "1", qos1, 4));
    rig.loses_upstream();
    for (int attempt = 1; attempt <= 3; ++attempt) {
        rig.connects(resume);
        CHECK(rig.last_connect(false).properties.number(PropertyId::receive_maximum) == 1);
        if (attempt == 1) {
            rig.in_gets(publish("plant/innocent", "1", qos1, 3, true));
            rig.up_gets(ack(PacketType::puback, 3));
        }
        rig.in_gets(publish("plant/bad", "1", qos1, 4, attempt > 1));
        rig.loses_upstream();
    }
    rig.connects(resume);
    rig.in_gets(publish("plant/bad", "1", qos1, 4, true));
    CHECK(rig.in() == "PUBLISH dead/plant/bad 1 q1#32768");
}

TEST_CASE("rule 11: a network that breaks is no reason to blame a message") {
    RelayRig rig(relay_options(), old_upstream(UpstreamKind::mosquitto));
    for (int attempt = 1; attempt <= 10; ++attempt) {
        rig.connects({.upstream_present = true, .inner_present = true});
        rig.in_gets(publish("plant/a", "1", qos1, 3));
        CHECK(rig.up().starts_with("PUBLISH site/plant/a 1 q1#3"));
        rig.loses_upstream(Relay::Closed::lost);
    }
}

TEST_CASE("rule 7: an unknown upstream that closes after the first QoS 2 gets QoS 1 on the next connection") {
    UpstreamOptions unknown;
    unknown.protocol = ProtocolChoice::v3_1_1;
    unknown.maximum_qos = QoS::exactly_once;
    RelayRig rig(relay_options(), unknown);
    rig.connects({.upstream_present = true, .inner_present = true});
    rig.in_gets(publish("plant/a", "1", qos2, 3));
    CHECK(rig.up() == "PUBLISH site/plant/a 1 q2#3");
    rig.events();
    rig.loses_upstream();
    CHECK(rig.events() == "qos_lowered | ended");
    rig.connects({.upstream_present = true, .inner_present = true});
    rig.in_gets(publish("plant/a", "1", qos2, 3, true));
    CHECK(rig.up() == "PUBLISH site/plant/a 1 q1#3 dup");
}

// ---------------------------------------------------------------------------------------------------------------------
// Loops

RelayOptions two_way_options() {
    RelayOptions options = relay_options();
    options.routes = {both_route("shared/#")};
    return options;
}

wire::Publish with_marks(wire::Publish packet, PropertyBuilder& properties, std::string_view origin, int hops) {
    properties.clear();
    properties.user("ledge-origin", origin).user("ledge-hops", std::to_string(hops));
    packet.properties = properties.view();
    return packet;
}

TEST_CASE("messages of two-way routes are marked with their origin and the number of bridges") {
    RelayRig rig(two_way_options());
    rig.connects();
    rig.in_gets(publish("shared/a", "1", qos1, 3));
    rig.up();
    CHECK(marks_of(rig.last_publish(true).properties).origin == "gw-17");
    CHECK(marks_of(rig.last_publish(true).properties).hops == 1);
    PropertyBuilder properties;
    rig.in_gets(with_marks(publish("shared/a", "2", qos1, 4), properties, "gw-3", 2));
    rig.up();
    CHECK(marks_of(rig.last_publish(true).properties).origin == "gw-3");
    CHECK(marks_of(rig.last_publish(true).properties).hops == 3);
}

TEST_CASE("the operator may leave out the marks, but not those of other bridges") {
    PropertyBuilder properties;
    RelayOptions options = two_way_options();
    options.marks = MarkRule::never;
    RelayRig rig(options);
    rig.connects();
    rig.in_gets(publish("shared/a", "1", qos1, 3));
    rig.up();
    CHECK(rig.last_publish(true).properties.empty());
    rig.in_gets(with_marks(publish("shared/a", "2", qos1, 4), properties, "gw-3", 2));
    rig.up();
    CHECK(marks_of(rig.last_publish(true).properties).hops == 3);
}

TEST_CASE("other messages are marked only if they are marked already, or if the operator wants it") {
    PropertyBuilder properties;
    RelayRig rig;
    rig.connects();
    rig.in_gets(publish("plant/a", "1", qos1, 3));
    rig.up();
    CHECK(rig.last_publish(true).properties.empty());
    rig.in_gets(with_marks(publish("plant/a", "2", qos1, 4), properties, "gw-3", 2));
    rig.up();
    CHECK(marks_of(rig.last_publish(true).properties).hops == 3);
    RelayOptions options = relay_options();
    options.marks = MarkRule::always;
    RelayRig always(options);
    always.connects();
    always.in_gets(publish("plant/a", "1", qos1, 3));
    always.up();
    CHECK(marks_of(always.last_publish(true).properties).hops == 1);
}

TEST_CASE("a message that has been here before is acknowledged, cut and told") {
    PropertyBuilder properties;
    RelayRig rig(two_way_options());
    rig.connects();
    rig.events();
    rig.up_gets(with_marks(publish("shared/a", "1", qos1, 3), properties, "gw-17", 1));  // the echo
    rig.up_gets(with_marks(publish("shared/a", "1", qos1, 4), properties, "gw-17", 3));  // a ring
    rig.up_gets(with_marks(publish("shared/a", "1", qos1, 5), properties, "gw-3", 16));  // a ring of others
    rig.in_gets(with_marks(publish("shared/a", "1", qos1, 6), properties, "gw-17", 2));
    CHECK(rig.up() == "PUBACK 3 | PUBACK 4 | PUBACK 5");
    CHECK(rig.in() == "PUBACK 6");
    CHECK(rig.events() == "loop_cut shared/a | loop_cut shared/a | loop_cut shared/a | loop_cut shared/a");
    rig.up_gets(with_marks(publish("shared/a", "1", qos1, 7), properties, "gw-3", 15));
    CHECK(rig.in() == "PUBLISH shared/a 1 q1#7");
}

TEST_CASE("an answer that copies the user properties of its request is no loop") {
    PropertyBuilder properties;
    RelayRig rig;
    rig.connects();
    rig.up_gets(with_marks(publish("site/cmd/answer", "1", qos1, 3), properties, "gw-17", 1));
    CHECK(rig.in() == "PUBLISH cmd/answer 1 q1#3");
}

TEST_CASE("rule 15: an upstream that cannot suppress the echo sends it back, and the relay drops it once") {
    RelayRig rig(two_way_options(), old_upstream(UpstreamKind::rabbitmq));
    rig.connects();
    rig.in_gets(publish("shared/a", "on", qos1, 3));
    rig.up_gets(ack(PacketType::puback, 3));
    rig.up();
    rig.in();
    rig.up_gets(publish("shared/a", "on", qos1, 1));
    CHECK(rig.up() == "PUBACK 1");
    CHECK(rig.in() == "");
    CHECK(rig.relay.counters().echoes == 1);
    rig.up_gets(publish("shared/a", "on", qos1, 2));  // by somebody else
    CHECK(rig.in() == "PUBLISH shared/a on q1#2");
    rig.in_gets(publish("shared/b", "on", qos1, 4));
    rig.passes(31s);
    rig.up_gets(publish("shared/b", "on", qos1, 4));  // too late for an echo
    CHECK(rig.in() == "PUBLISH shared/b on q1#4");
}

}  // namespace
}  // namespace ledge::bridge
