// The rules of src/mqttsn/README.md about topics and messages. Each test names its rule.
#include "ledge/broker/session_facts.hpp"
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
// Topics

TEST_CASE("rule 6: each device has its own ids, and the same topic always gets the same id") {
    Rig rig;
    rig.connects("a", "dev1");
    rig.connects("b", "dev2");
    CHECK(rig.registers("a", "x") == 1);
    CHECK(rig.registers("a", "y") == 2);
    CHECK(rig.registers("b", "y") == 1010);
    CHECK(rig.registers("a", "x") == 1);
    CHECK(rig.subscribes("a", "y") == 2);
    CHECK(rig.subscribes("a", "z") == 3);
    CHECK(rig.registers("a", "z") == 3);
}

TEST_CASE("rule 6: an id is not given to a second topic, also not in the next session") {
    GatewayOptions options;
    options.endpoint.topics_max = 2;
    Rig rig(options);
    rig.connects("a", "dev1");
    rig.subscribes("a", "#");
    std::string ids;
    for (const char* topic : {"t/1", "t/2", "t/3", "t/1"}) {
        rig.watcher.publishes(topic, "x", QoS::at_least_once);
        const std::string text = rig.turn("a");
        join(ids, text);
        const auto id = static_cast<TopicId>(std::stoi(text.substr(9)));
        const auto number = static_cast<MessageId>(std::stoi(text.substr(text.find('#') + 1)));
        const std::string sent = rig.says("a", Regack{id, number});
        CHECK(rig.says("a", Puback{id, static_cast<MessageId>(std::stoi(sent.substr(sent.find('#') + 1)))}) == "");
    }
    CHECK(ids == "REGISTER 1 #1 t/1 | REGISTER 2 #2 t/2 | REGISTER 3 #3 t/3 | REGISTER 4 #4 t/1");
    rig.connects("a", "dev1", true);
    CHECK(rig.registers("a", "y") == 5);
}

TEST_CASE("rule 6: after a restart of the gateway an id of before names nothing") {
    Rig rig;
    rig.connects("a", "dev1");
    rig.watcher.subscribes("#");
    CHECK(rig.registers("a", "x") == 1);
    rig.crashes(500);
    rig.connects("a", "dev1");
    CHECK(rig.registers("a", "y") == 501);
    CHECK(rig.says("a", publish(1, "late", qos1, 7)) == "PUBACK 1 #7 invalid_topic_id");
    CHECK(rig.watcher.heard() == "");
}

TEST_CASE("rule 7: after CONNECT a topic is registered before its first PUBLISH, and stays known over sleep") {
    Rig rig;
    rig.connects("a", "dev1");
    rig.subscribes("a", "x");
    rig.watcher.publishes("x", "one", QoS::at_least_once);
    CHECK(rig.turn("a") == "PUBLISH n1 one q1#1");  // SUBACK has told the id
    rig.says("a", Puback{1, 1});
    rig.says("a", sleeps);
    rig.watcher.publishes("x", "two", QoS::at_least_once);
    CHECK(rig.says("a", Pingreq{"dev1"}) == "PUBLISH n1 two q1#2");
    CHECK(rig.says("a", Puback{1, 2}) == "PINGRESP");
    rig.says("a", Disconnect{});
    rig.watcher.publishes("x", "three", QoS::at_least_once);
    CHECK(rig.says("a", Connect{false, false, 60, "dev1"}) == "CONNACK | REGISTER 1 #1 x");
    CHECK(rig.says("a", Regack{1, 1}) == "PUBLISH n1 three q1#3");
    // An id of before the CONNECT still names its topic.
    rig.watcher.subscribes("x");
    CHECK(rig.says("a", publish(1, "mine", qos0)) == "");
    CHECK(rig.watcher.heard() == "x mine");
}

TEST_CASE("rule 7: a topic that the device refuses is never published to, and its subscription ends") {
    Rig rig;
    rig.connects("a", "dev1");
    rig.subscribes("a", "x");
    rig.subscribes("a", "y/#");
    rig.says("a", Disconnect{});
    rig.connects("a", "dev1");
    rig.watcher.publishes("x", "one", QoS::at_least_once);
    CHECK(rig.turn("a") == "REGISTER 1 #1 x");
    CHECK(rig.says("a", Regack{1, 1, ReturnCode::not_supported}) == "");
    const auto subscriptions = rig.core.shard.subscriptions_of("dev1");
    REQUIRE(subscriptions.size() == 1);
    CHECK(subscriptions.front().filter == "y/#");
    rig.watcher.publishes("x", "two", QoS::at_least_once);
    CHECK(rig.turn("a") == "");
    // With a wildcard there is no subscription to end, so only the topic is left out.
    rig.watcher.publishes("y/1", "one", QoS::at_least_once);
    CHECK(rig.turn("a") == "REGISTER 2 #2 y/1");
    CHECK(rig.says("a", Regack{2, 2, ReturnCode::invalid_topic_id}) == "");
    rig.watcher.publishes("y/1", "two", QoS::at_least_once);
    rig.watcher.publishes("y/2", "three", QoS::at_least_once);
    CHECK(rig.turn("a") == "REGISTER 3 #3 y/2");
    CHECK(rig.counters().topic_refused == 3);
    CHECK(rig.in(State::active) == 1);
}

TEST_CASE("rule 7: a refusal lasts until CONNECT, and refused topics leave their places to others") {
    GatewayOptions options;
    options.endpoint.topics_max = 2;
    Rig rig(options);
    rig.connects("a", "dev1");
    rig.subscribes("a", "#");
    MessageId number = 0;
    for (const char* topic : {"t/1", "t/2", "t/3"}) {
        rig.watcher.publishes(topic, "x", QoS::at_least_once);
        ++number;
        const std::string id = std::to_string(number);
        CHECK(rig.turn("a") == "REGISTER " + id + " #" + id + " " + topic);
        rig.says("a", Regack{number, number, ReturnCode::not_supported});
    }
    CHECK(rig.registers("a", "mine") == 4);
    rig.says("a", Disconnect{});
    rig.connects("a", "dev1");
    rig.watcher.publishes("t/3", "x", QoS::at_least_once);
    CHECK(rig.turn("a") == "REGISTER 3 #4 t/3");
}

TEST_CASE("rule 6: a device that has used up all topic ids is told to connect again, and ids in use are not given") {
    TopicTable table(2);
    const TopicTable::Entry* const first = table.add("first", 2);
    REQUIRE(first != nullptr);
    CHECK(first->id == 2);
    table.find("first")->is_from_device = true;
    for (std::uint32_t i = 1; i < 0xFFFE; ++i) REQUIRE(table.add("t" + std::to_string(i), 2) != nullptr);
    CHECK(table.find("t65533")->id == 1);
    CHECK(table.add("more", 2) == nullptr);
    CHECK(table.is_used_up());
    table.forget_known();
    CHECK_FALSE(table.is_used_up());
    CHECK(table.add("more", 2)->id == 3);  // 2 is still in use
    CHECK(table.name_of(2) == "first");
}

TEST_CASE("rule 6: the gateway ends the connection in which all ids were given") {
    Rig rig;
    rig.connects("a", "dev1");
    rig.subscribes("a", "#", qos0);
    MessageId number = 0;
    std::string answer;
    for (std::uint32_t i = 1; i <= 0xFFFF; ++i) {
        rig.watcher.publishes("top" + std::to_string(i), "x", QoS::at_most_once);
        answer = rig.turn("a");
        if (++number == 0) number = 1;
        if (i < 0xFFFF) rig.says("a", Regack{static_cast<TopicId>(i), number});
    }
    CHECK(answer == "DISCONNECT");
    rig.connects("a", "dev1");
    rig.watcher.publishes("t", "x", QoS::at_most_once);
    CHECK(rig.turn("a") == "REGISTER 1 #65535 t");
}

TEST_CASE("rule 7: PUBACK invalid_topic_id makes the gateway register the topic again, and send the message again") {
    Rig rig;
    rig.connects("a", "dev1");
    rig.subscribes("a", "x");
    rig.watcher.publishes("x", "one", QoS::at_least_once);
    CHECK(rig.turn("a") == "PUBLISH n1 one q1#1");
    CHECK(rig.says("a", Puback{1, 1, ReturnCode::invalid_topic_id}) == "REGISTER 1 #1 x");
    CHECK(rig.says("a", Regack{1, 1}) == "PUBLISH n1 one q1#1 dup");
    CHECK(rig.says("a", Puback{1, 1}) == "");
    // A message of QoS 0 is gone, but the next one is registered.
    rig.watcher.publishes("x", "zero", QoS::at_most_once);
    CHECK(rig.turn("a") == "PUBLISH n1 zero");
    CHECK(rig.says("a", Puback{1, 0, ReturnCode::invalid_topic_id}) == "");
    rig.watcher.publishes("x", "zero", QoS::at_most_once);
    CHECK(rig.turn("a") == "REGISTER 1 #2 x");
}

TEST_CASE("rule 7: a device that never accepts the id does not stop the queue") {
    Rig rig;
    rig.connects("a", "dev1");
    rig.subscribes("a", "x");
    rig.subscribes("a", "y");
    rig.watcher.publishes("x", "one", QoS::at_least_once);
    rig.watcher.publishes("y", "two", QoS::at_least_once);
    CHECK(rig.turn("a") == "PUBLISH n1 one q1#1");
    std::string last;
    for (MessageId i = 1; i <= 4; ++i) {
        rig.says("a", Puback{1, 1, ReturnCode::invalid_topic_id});
        rig.says("a", Regack{1, i});
    }
    CHECK(rig.says("a", Puback{1, 1, ReturnCode::invalid_topic_id}) == "PUBLISH n2 two q1#2");
}

TEST_CASE("rule 8: a filter with wildcards gets the id 0, and each topic is registered on its first message") {
    Rig rig;
    rig.connects("a", "dev1");
    CHECK(rig.subscribes("a", "site/+/alarm") == 0);
    rig.watcher.publishes("site/1/alarm", "x", QoS::at_least_once);
    CHECK(rig.turn("a") == "REGISTER 1 #1 site/1/alarm");
    CHECK(rig.says("a", Regack{1, 1}) == "PUBLISH n1 x q1#1");
    CHECK(rig.says("a", Puback{1, 1}) == "");
    rig.watcher.publishes("site/1/alarm", "y", QoS::at_least_once);
    CHECK(rig.turn("a") == "PUBLISH n1 y q1#2");
    CHECK(rig.subscribes("a", "$share/g/x") == 0);
}

TEST_CASE("rule 8: predefined ids and short names stay what they are, in both directions") {
    Rig rig = with_predefined();
    rig.connects("a", "dev1");
    rig.watcher.subscribes("#");
    const auto subscribe = [](TopicIdType type, TopicId id, MessageId message_id) {
        return Subscribe{.qos = qos1, .type = type, .message_id = message_id, .topic_id = id};
    };
    CHECK(rig.says("a", subscribe(TopicIdType::predefined, 9, 1)) == "SUBACK 9 #1 q1");
    CHECK(rig.says("a", subscribe(TopicIdType::predefined, 10, 2)) == "SUBACK 10 #2 q1");
    CHECK(rig.says("a", subscribe(TopicIdType::predefined, 11, 3)) == "SUBACK 0 #3 q0 invalid_topic_id");
    CHECK(rig.says("a", subscribe(TopicIdType::short_name, short_id_of("ab"), 4)) == "SUBACK 0 #4 q1");
    rig.watcher.publishes("site/meter", "1", QoS::at_most_once);
    rig.watcher.publishes("ab", "2", QoS::at_most_once);
    rig.watcher.publishes("site/2/alarm", "3", QoS::at_most_once);
    CHECK(rig.turn("a") == "PUBLISH p9 1 | PUBLISH 'ab' 2 | REGISTER 1 #1 site/2/alarm");
    CHECK(rig.says("a", Regack{1, 1}) == "PUBLISH n1 3");
    rig.watcher.heard();
    CHECK(rig.says("a", Publish{.qos = qos1, .type = TopicIdType::predefined, .topic_id = 9, .message_id = 5}) ==
          "PUBACK 9 #5 | PUBLISH p9  q1#1");
    CHECK(rig.says("a", Puback{9, 1}) == "");
    CHECK(rig.says("a", Publish{.type = TopicIdType::short_name, .topic_id = short_id_of("xy")}) == "");
    CHECK(rig.watcher.heard() == "site/meter  q1 | xy ");
    // The predefined id is known after a CONNECT, too.
    rig.says("a", Disconnect{});
    rig.watcher.publishes("site/meter", "4", QoS::at_least_once);
    CHECK(rig.says("a", Connect{false, false, 60, "dev1"}) == "CONNACK | PUBLISH p9 4 q1#2");
    const Subscribe unsubscribe{
        .is_unsubscribe = true, .type = TopicIdType::predefined, .message_id = 6, .topic_id = 9};
    CHECK(rig.says("a", unsubscribe) == "UNSUBACK #6");
    CHECK(rig.core.shard.subscriptions_of("dev1").size() == 2);
}

TEST_CASE("a PUBLISH with an unknown id is refused at every QoS, so that the device registers its topic again") {
    Rig rig;
    rig.connects("a", "dev1");
    CHECK(rig.says("a", publish(5, "x", qos0)) == "PUBACK 5 #0 invalid_topic_id");
    CHECK(rig.says("a", publish(5, "x", qos1, 3)) == "PUBACK 5 #3 invalid_topic_id");
    CHECK(rig.says("a", publish(5, "x", qos2, 4)) == "PUBACK 5 #4 invalid_topic_id");
    CHECK(rig.says("a", Register{0, 1, "a/+"}) == "REGACK 0 #1 invalid_topic_id");
    CHECK(rig.says("a", Subscribe{.message_id = 2, .filter = "a/#/b"}) == "SUBACK 0 #2 q0 invalid_topic_id");
    CHECK(rig.says(
              "a",
              Publish{.qos = qos1, .type = TopicIdType::short_name, .topic_id = short_id_of("a#"), .message_id = 6}) ==
          "PUBACK 24867 #6 invalid_topic_id");
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
