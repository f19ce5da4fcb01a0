// The rules of src/mqttsn/README.md about topics and their ids. Each test names its rule.
#include "ledge/broker/session_facts.hpp"
#include "rig.hpp"

namespace ledge::mqttsn {
namespace {

using State = Endpoint::State;
using wire::QoS;

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

TEST_CASE("rule 6: ids begin in the lower half, since some clients read them as signed numbers") {
    GatewayOptions options;
    options.peers_max = 100;
    options.unknown_per_second = 0;
    Rig rig(options);
    for (const std::uint64_t seed : {std::uint64_t{0x6FFF}, std::uint64_t{0x9000}, ~std::uint64_t{0}}) {
        rig.crashes(seed);
        for (int number = 0; number < 70; ++number) {
            const std::string name = "dev" + std::to_string(number);
            rig.connects(name, name);
            CHECK(rig.registers(name, "x") < 0x8000);
        }
    }
}

TEST_CASE("rule 6: REGISTER with MsgId 0 is answered with MsgId 0") {
    Rig rig;
    rig.connects("a", "dev1");
    CHECK(rig.says("a", Register{0, 0, "x"}) == "REGACK 1 #0");
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

}  // namespace
}  // namespace ledge::mqttsn
