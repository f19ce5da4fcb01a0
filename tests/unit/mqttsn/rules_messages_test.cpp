// The rules of src/mqttsn/README.md about messages. Each test names its rule.
#include "rig.hpp"

namespace ledge::mqttsn {
namespace {

using State = Endpoint::State;
using wire::QoS;

// ---------------------------------------------------------------------------------------------------------------------
// The window

TEST_CASE("rule 2: an active device has one message at a time, a sleeping one has none") {
    Rig rig;
    rig.connects("a", "dev1");
    rig.subscribes("a", "x");
    for (const char* text : {"one", "two", "three"}) rig.watcher.publishes("x", text, QoS::at_least_once);
    CHECK(rig.turn("a") == "PUBLISH n1 one q1#1");
    CHECK(rig.says("a", Puback{1, 1}) == "PUBLISH n1 two q1#2");
    CHECK(rig.says("a", sleeps) == "DISCONNECT");
    CHECK(rig.passes(200s) == "");  // no repetition either
    CHECK(rig.says("a", Puback{1, 2}) == "");
    CHECK(rig.passes(50s) == "");
    CHECK(rig.says("a", Pingreq{"dev1"}) == "PUBLISH n1 three q1#3");
}

TEST_CASE("rule 2: the broker is told to keep all messages but one, and rule 1: how long the session lasts") {
    for (const bool is_clean : {false, true}) {
        Gateway gateway({}, {}, 1, Instant{} + 1h);
        gateway.on_packet(as_bytes("a"), encoded(Connect{false, is_clean, 60, "dev1"}), Instant{} + 1h);
        const auto id = gateway.take_inner();
        REQUIRE((id && gateway.wants_inner(*id)));
        gateway.inner_opened(*id, Instant{} + 1h);
        const auto connect = wire::decode_connect(gateway.inner_output(*id));
        REQUIRE(connect.ok());
        CHECK(connect->client_id == "dev1");
        CHECK(connect->clean_start == is_clean);
        CHECK(connect->properties.number(wire::PropertyId::receive_maximum) == 1);
        const auto expiry = connect->properties.number(wire::PropertyId::session_expiry_interval);
        CHECK(expiry.value_or(0) == (is_clean ? 0 : EndpointOptions{}.session_expiry_s));
    }
}

TEST_CASE("rule 2: one REGISTER at a time, and messages of QoS 0 wait for their turn") {
    GatewayOptions options;
    options.endpoint.waiting_bytes_max = 14 + 3 * sizeof(OutMessage);
    Rig rig(options);
    rig.connects("a", "dev1");
    rig.subscribes("a", "#", qos0);
    for (const char* topic : {"one", "two", "three"}) rig.watcher.publishes(topic, "x", QoS::at_most_once);
    CHECK(rig.turn("a") == "REGISTER 1 #1 one");
    CHECK(rig.says("a", Regack{1, 1}) == "PUBLISH n1 x | REGISTER 2 #2 two");
    CHECK(rig.says("a", Regack{2, 2}) == "PUBLISH n2 x | REGISTER 3 #3 three");
    for (int i = 0; i < 3; ++i) rig.watcher.publishes("four", "123456", QoS::at_most_once);
    rig.turn();
    CHECK(rig.counters().qos0_dropped == 1);
}

TEST_CASE("rule 3: a message leaves the broker's queue only when the device has answered") {
    for (const bool is_qos2 : {false, true}) {
        Rig rig;
        rig.connects("a", "dev1");
        rig.subscribes("a", "x", is_qos2 ? qos2 : qos1);
        rig.says("a", sleeps);
        rig.watcher.publishes("x", "one", is_qos2 ? QoS::exactly_once : QoS::at_least_once);
        rig.turn();
        rig.crashes();  // asleep
        CHECK(rig.says("a", Connect{false, false, 60, "dev1"}) == "CONNACK | REGISTER 1 #1 x");
        CHECK(rig.queued("dev1") == 1);
        const std::string id = is_qos2 ? "q2#1" : "q1#1";
        CHECK(rig.says("a", Regack{1, 1}) == "PUBLISH n1 one " + id + " dup");
        rig.crashes();  // the device has the message, and the gateway has no answer
        CHECK(rig.says("a", Connect{false, false, 60, "dev1"}) == "CONNACK | REGISTER 1 #1 x");
        CHECK(rig.says("a", Regack{1, 1}) == "PUBLISH n1 one " + id + " dup");
        if (is_qos2) {
            CHECK(rig.says("a", Answer{MessageType::pubrec, 1}) == "PUBREL #1");
            rig.crashes();  // between PUBREL and PUBCOMP
            CHECK(rig.says("a", Connect{false, false, 60, "dev1"}) == "CONNACK | PUBREL #1");
            CHECK(rig.says("a", Answer{MessageType::pubcomp, 1}) == "");
        } else {
            CHECK(rig.says("a", Puback{1, 1}) == "");
        }
        CHECK(rig.queued("dev1") == 0);
        rig.crashes();
        CHECK(rig.says("a", Connect{false, false, 60, "dev1"}) == "CONNACK");
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Retries and losses

TEST_CASE("rule 11: REGISTER, PUBLISH and PUBREL are repeated, with DUP; then the device is lost, its message is not") {
    for (const bool is_qos2 : {false, true}) {
        Rig rig;
        rig.connects("a", "dev1", false, 0);
        rig.subscribes("a", "y/#", is_qos2 ? qos2 : qos1);
        rig.watcher.publishes("y/1", "one", is_qos2 ? QoS::exactly_once : QoS::at_least_once);
        const std::string id = is_qos2 ? "q2#1" : "q1#1";
        CHECK(rig.turn("a") == "REGISTER 1 #1 y/1");
        CHECK(rig.passes(20s, "a") == "REGISTER 1 #1 y/1 | REGISTER 1 #1 y/1");
        CHECK(rig.says("a", Regack{1, 1}) == "PUBLISH n1 one " + id);
        CHECK(rig.passes(20s, "a") == "PUBLISH n1 one " + id + " dup | PUBLISH n1 one " + id + " dup");
        if (is_qos2) {
            CHECK(rig.says("a", Answer{MessageType::pubrec, 1}) == "PUBREL #1");
            CHECK(rig.passes(40s, "a") == "PUBREL #1 | PUBREL #1 | PUBREL #1 | PUBREL #1");
        } else {
            rig.passes(20s);
        }
        CHECK(rig.passes(10s, "a") == "DISCONNECT");
        CHECK(rig.counters().lost == 1);
        CHECK(rig.queued("dev1") == 1);
        const std::string answer = is_qos2 ? "CONNACK | PUBREL #1" : "CONNACK | REGISTER 1 #2 y/1";
        CHECK(rig.says("a", Connect{false, false, 0, "dev1"}) == answer);
    }
}

TEST_CASE("rule 11: a device that does not answer while awake falls asleep, until the limit of its sleep") {
    Rig rig;
    rig.connects("a", "dev1");
    rig.subscribes("a", "x");
    rig.says("a", sleeps);
    rig.watcher.publishes("x", "one", QoS::at_least_once);
    CHECK(rig.says("a", Pingreq{"dev1"}) == "PUBLISH n1 one q1#1");
    const std::string again = "PUBLISH n1 one q1#1 dup";
    CHECK(rig.passes(60s, "a") == again + " | " + again + " | " + again + " | " + again);
    CHECK(rig.in(State::asleep) == 1);
    CHECK(rig.says("a", Pingreq{"dev1"}) == again);
    CHECK(rig.says("a", Puback{1, 1}) == "PINGRESP");
    rig.passes(331s);
    CHECK(rig.counters().lost == 1);
}

TEST_CASE("rule 11: a device that answers congestion is given time") {
    Rig rig;
    rig.connects("a", "dev1", false, 0);
    rig.subscribes("a", "x");
    rig.watcher.publishes("x", "one", QoS::at_least_once);
    CHECK(rig.turn("a") == "PUBLISH n1 one q1#1");
    CHECK(rig.says("a", Puback{1, 1, ReturnCode::congestion}) == "");
    CHECK(rig.passes(299s) == "");
    CHECK(rig.passes(1s, "a") == "PUBLISH n1 one q1#1 dup");
    CHECK(rig.says("a", Puback{1, 1}) == "");
}

TEST_CASE("rule 12: a message or topic too large for the link is left out, counted, and told once per topic") {
    GatewayOptions options;
    options.endpoint.packet_bytes_max = 40;
    Rig rig(options);
    rig.connects("a", "dev1");
    rig.subscribes("a", "#");
    while (rig.gateway->take_event()) {
    }
    const std::string large(34, 'x');
    const std::string fits(33, 'x');
    for (int i = 0; i < 2; ++i) rig.watcher.publishes("x", large, QoS::at_least_once);
    rig.watcher.publishes(large + "/" + large, "x", QoS::exactly_once);
    rig.watcher.publishes("x", large, QoS::at_most_once);
    CHECK(rig.turn("a") == "");
    rig.watcher.publishes("x", fits, QoS::at_least_once);
    CHECK(rig.turn("a") == "REGISTER 1 #1 x");
    CHECK(rig.says("a", Regack{1, 1}) == "PUBLISH n1 " + fits + " q1#4");
    CHECK(rig.counters().oversize == 4);
    std::string told;
    while (const auto event = rig.gateway->take_event()) join(told, event->text);
    CHECK(told == "x | " + large + "/" + large);
    // A forwarder's header takes its part of the packet.
    rig.connects("b/node", "dev2");
    rig.subscribes("b/node", "x");
    rig.watcher.publishes("x", fits, QoS::at_most_once);
    CHECK(rig.turn("b/node") == "");
    CHECK(rig.counters().oversize == 5);
}

TEST_CASE("rule 12: a message that the device ignores although it came back is left out, and the next one follows") {
    for (const bool is_registered : {false, true}) {
        Rig rig;
        rig.connects("a", "dev1", false, 0);
        rig.subscribes("a", is_registered ? "y/#" : "y/1");
        while (rig.gateway->take_event()) {
        }
        rig.watcher.publishes("y/1", "too large for the device", QoS::at_least_once);
        rig.watcher.publishes("y/1", "small", QoS::at_least_once);
        rig.turn();
        if (is_registered) rig.says("a", Regack{1, 1});
        rig.passes(60s);
        MessageId number = is_registered ? 2 : 1;
        std::string passed;
        for (unsigned times = 1; times <= 2; ++times, ++number) {
            CHECK(rig.counters().lost == times);
            CHECK(rig.queued("dev1") == 2);  // may be bad luck
            CHECK(rig.says("a", connect_of("dev1", false, false, 0)) ==
                  "CONNACK | REGISTER 1 #" + std::to_string(number) + " y/1");
            rig.says("a", Regack{1, number});
            passed = rig.passes(55s, "a");
        }
        CHECK(passed.substr(passed.rfind('|') + 2) == "PUBLISH n1 small q1#2");
        CHECK(rig.says("a", Puback{1, 2}) == "");
        CHECK(rig.queued("dev1") == 0);
        CHECK(rig.counters().lost == 2);
        CHECK(rig.counters().oversize == 1);
        int told = 0;
        while (const auto event = rig.gateway->take_event()) told += event->kind == GatewayEvent::Kind::oversize;
        CHECK(told == 1);
    }
}

TEST_CASE("rule 18: REGACK, SUBACK and PUBACK name the limit that is reached, and say whether it may pass") {
    GatewayOptions options;
    options.endpoint.topics_max = 2;
    Rig rig(options);
    rig.connects("a", "dev1");
    rig.registers("a", "x");
    rig.registers("a", "y");
    // The table is full of the device's own topics, and stays full: asking again is no use.
    CHECK(rig.says("a", Register{0, 1, "z"}) == "REGACK 0 #1 not_supported");
    CHECK(rig.says("a", Subscribe{.message_id = 2, .filter = "z"}) == "SUBACK 0 #2 q0 not_supported");
    CHECK(rig.subscribes("a", "z/#") == 0);  // needs no id
    const std::string name(300, 'n');
    CHECK(rig.says("a", Register{0, 3, name}) == "REGACK 0 #3 not_supported");
    CHECK(rig.says("a", Subscribe{.message_id = 4, .filter = name}) == "SUBACK 0 #4 q0 not_supported");
    // The second request or message while the broker has not answered the first one.
    CHECK(rig.says_at_once("a", Subscribe{.message_id = 5, .filter = "x"}) == "");
    CHECK(rig.says_at_once("a", Subscribe{.message_id = 5, .filter = "x"}) == "");  // a copy
    CHECK(rig.says_at_once("a", Subscribe{.message_id = 6, .filter = "y"}) == "SUBACK 0 #6 q0 congestion");
    CHECK(rig.says_at_once("a", publish(1, "x", qos1, 7)) == "");
    CHECK(rig.says_at_once("a", publish(1, "x", qos1, 7)) == "");  // a copy
    CHECK(rig.says_at_once("a", publish(1, "x", qos1, 8)) == "PUBACK 1 #8 congestion");
    CHECK(rig.turn("a") == "SUBACK 1 #5 q0 | PUBACK 1 #7 | PUBLISH n1 x");
    CHECK(rig.counters().congested == 2);
}

// ---------------------------------------------------------------------------------------------------------------------
// From the device

TEST_CASE("rule 19: QoS 1 may arrive twice after a lost PUBACK; QoS 2 does not") {
    Rig rig;
    rig.watcher.subscribes("x");
    rig.connects("a", "dev1");
    rig.registers("a", "x");
    Publish one = publish(1, "one", qos1, 5);
    CHECK(rig.says("a", one) == "PUBACK 1 #5");
    one.dup = true;
    CHECK(rig.says("a", one) == "PUBACK 1 #5");
    CHECK(rig.watcher.heard() == "x one q1 | x one q1");
    Publish two = publish(1, "two", qos2, 6);
    CHECK(rig.says("a", two) == "PUBREC #6");
    two.dup = true;
    CHECK(rig.says("a", two) == "PUBREC #6");
    CHECK(rig.says("a", Answer{MessageType::pubrel, 6}) == "PUBCOMP #6");
    CHECK(rig.says("a", Answer{MessageType::pubrel, 6}) == "PUBCOMP #6");
    CHECK(rig.watcher.heard() == "x two q2");
    // Late copies, of the message and of its PUBREL.
    CHECK(rig.says("a", two) == "PUBREC #6");
    CHECK(rig.says("a", Answer{MessageType::pubrel, 6}) == "PUBCOMP #6");
    CHECK(rig.watcher.heard() == "");
    // A device that uses one id for all messages: another content is another message.
    CHECK(rig.says("a", publish(1, "three", qos2, 6)) == "PUBREC #6");
    CHECK(rig.watcher.heard() == "x three q2");
    CHECK(rig.says("a", Answer{MessageType::pubrel, 6}) == "PUBCOMP #6");
    rig.passes(11s);
    CHECK(rig.says("a", publish(1, "three", qos2, 6)) == "PUBREC #6");
    CHECK(rig.watcher.heard() == "x three q2");
}

TEST_CASE("a device that starts again in the middle of QoS 2 loses no message that has the same id") {
    Rig rig;
    rig.watcher.subscribes("x");
    rig.connects("a", "dev1", true);
    TopicId id = rig.registers("a", "x");
    CHECK(rig.says("a", publish(id, "one", qos2, 1)) == "PUBREC #1");
    CHECK(rig.says("a", publish(id, "two", qos2, 1)) == "PUBACK 1 #1 congestion");
    rig.connects("a", "dev1", true);
    id = rig.registers("a", "x");
    CHECK(rig.says("a", publish(id, "two", qos2, 1)) == "PUBREC #1");
    CHECK(rig.watcher.heard() == "x one q2 | x two q2");
}

TEST_CASE("QoS 2 of a device is exactly once over restarts of the gateway, because the broker knows the id") {
    Rig rig;
    rig.watcher.subscribes("x");
    rig.connects("a", "dev1");
    rig.registers("a", "x");
    CHECK(rig.says("a", publish(1, "one", qos2, 6)) == "PUBREC #6");
    rig.crashes();
    rig.connects("a", "dev1");
    rig.registers("a", "x");
    Publish again = publish(1, "one", qos2, 6);
    again.dup = true;
    CHECK(rig.says("a", again) == "PUBREC #6");
    rig.crashes();
    rig.connects("a", "dev1");
    CHECK(rig.says("a", Answer{MessageType::pubrel, 6}) == "PUBCOMP #6");
    CHECK(rig.watcher.heard() == "x one q2");
}

TEST_CASE("retained messages and RETAIN pass in both directions") {
    Rig rig;
    rig.connects("a", "dev1");
    rig.registers("a", "x");
    Publish kept = publish(1, "kept", qos1, 1);
    kept.retain = true;
    CHECK(rig.says("a", kept) == "PUBACK 1 #1");
    CHECK(rig.says("a", Subscribe{.qos = qos1, .message_id = 2, .filter = "x"}) ==
          "SUBACK 1 #2 q1 | PUBLISH n1 kept q1#1 retain");
}

TEST_CASE("packets that only gateways send, and answers to nothing, change nothing") {
    Rig rig;
    rig.connects("a", "dev1");
    for (const Message& message :
         {Message(Connack{}), Message(Pingresp{}), Message(Willtopicreq{}), Message(Suback{.message_id = 1}),
          Message(Answer{MessageType::unsuback, 1}), Message(Puback{1, 1}), Message(Regack{1, 1}),
          Message(Answer{MessageType::pubrec, 1}), Message(Answer{MessageType::pubcomp, 1}), Message(Advertise{}),
          Message(Gwinfo{})})
        CHECK(rig.says("a", message) == "");
    CHECK(rig.in(State::active) == 1);
}

}  // namespace
}  // namespace ledge::mqttsn
