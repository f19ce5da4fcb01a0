// The rules of src/mqttsn/README.md about sleep and the will. Each test names its rule.
#include "rig.hpp"

namespace ledge::mqttsn {
namespace {

using State = Endpoint::State;

// ---------------------------------------------------------------------------------------------------------------------
// Sleep

TEST_CASE("rule 4: a sleeping device gets all messages, one by one, and one PINGRESP right behind the last answer") {
    Rig rig;
    rig.connects("a", "dev1");
    const TopicId id = rig.subscribes("a", "x");
    REQUIRE(id == 1);
    CHECK(rig.says("a", sleeps) == "DISCONNECT");
    for (const char* text : {"one", "two", "three"}) rig.watcher.publishes("x", text, wire::QoS::at_least_once);
    CHECK(rig.passes(100s) == "");
    CHECK(rig.says("a", Pingreq{"dev1"}) == "PUBLISH n1 one q1#1");
    CHECK(rig.says("a", Pingreq{"dev1"}) == "");  // idempotent
    CHECK(rig.says("a", Puback{1, 1}) == "PUBLISH n1 two q1#2");
    CHECK(rig.says("a", Puback{1, 2}) == "PUBLISH n1 three q1#3");
    CHECK(rig.says("a", Puback{1, 3}) == "PINGRESP");
    CHECK(rig.in(State::asleep) == 1);
    CHECK(rig.says("a", Pingreq{"dev1"}) == "PINGRESP");  // an empty queue is told at once
}

TEST_CASE("rule 4: messages of QoS 0 and 2 wait for a sleeping device, too") {
    Rig rig;
    rig.connects("a", "dev1");
    rig.subscribes("a", "x", qos2);
    rig.says("a", sleeps);
    rig.watcher.publishes("x", "zero", wire::QoS::at_most_once);
    rig.watcher.publishes("x", "two", wire::QoS::exactly_once);
    CHECK(rig.says("a", Pingreq{"dev1"}) == "PUBLISH n1 zero | PUBLISH n1 two q2#1");
    CHECK(rig.says("a", Answer{MessageType::pubrec, 1}) == "PUBREL #1");
    CHECK(rig.says("a", Answer{MessageType::pubcomp, 1}) == "");
    // The next packet id has to be on disk before its message leaves, so the gateway waits a moment for it.
    CHECK(rig.passes(100ms, "a") == "PINGRESP");
}

TEST_CASE("rule 4: a message that comes while the device is awake is delivered before PINGRESP") {
    Rig rig;
    rig.connects("a", "dev1");
    rig.subscribes("a", "x");
    rig.says("a", sleeps);
    rig.watcher.publishes("x", "one", wire::QoS::at_least_once);
    CHECK(rig.says("a", Pingreq{"dev1"}) == "PUBLISH n1 one q1#1");
    rig.watcher.publishes("x", "two", wire::QoS::at_least_once);
    CHECK(rig.says("a", Puback{1, 1}) == "PUBLISH n1 two q1#2");
    CHECK(rig.says("a", Puback{1, 2}) == "PINGRESP");
}

TEST_CASE("rule 4: a sleeper that answers congestion gets PINGRESP at once, and the message when it wakes again") {
    Rig rig;
    rig.connects("a", "dev1");
    rig.subscribes("a", "x/#");
    rig.says("a", sleeps);
    rig.watcher.publishes("x/1", "one", wire::QoS::at_least_once);
    CHECK(rig.says("a", Pingreq{"dev1"}) == "REGISTER 1 #1 x/1");
    CHECK(rig.says("a", Regack{1, 1, ReturnCode::congestion}) == "PINGRESP");
    CHECK(rig.in(State::asleep) == 1);
    CHECK(rig.says("a", Pingreq{"dev1"}) == "REGISTER 1 #2 x/1");
    CHECK(rig.says("a", Regack{1, 2}) == "PUBLISH n1 one q1#1");
    CHECK(rig.says("a", Puback{1, 1, ReturnCode::congestion}) == "PINGRESP");
    CHECK(rig.passes(100s) == "");
    CHECK(rig.says("a", Pingreq{"dev1"}) == "PUBLISH n1 one q1#1 dup");
    CHECK(rig.says("a", Puback{1, 1}) == "PINGRESP");
}

TEST_CASE("rule 5: DISCONNECT with a duration again sets a new one") {
    Rig rig;
    rig.connects("a", "dev1");
    CHECK(rig.says("a", Disconnect{20}) == "DISCONNECT");
    rig.passes(29s);
    CHECK(rig.says("a", Disconnect{100}) == "DISCONNECT");
    rig.passes(109s);
    CHECK(rig.in(State::asleep) == 1);
    CHECK(rig.says("a", Pingreq{"dev1"}) == "PINGRESP");  // the duration begins again
    rig.passes(109s);
    CHECK(rig.in(State::asleep) == 1);
    rig.passes(2s);
    CHECK(rig.in(State::asleep) == 0);
    CHECK(rig.counters().lost == 1);
}

TEST_CASE("rule 5: CONNECT wakes a sleeping device for good, and its queue flows") {
    Rig rig;
    rig.connects("a", "dev1");
    rig.subscribes("a", "x");
    rig.says("a", sleeps);
    rig.watcher.publishes("x", "one", wire::QoS::at_least_once);
    rig.watcher.publishes("x", "two", wire::QoS::at_least_once);
    CHECK(rig.says("a", connect_of("dev1")) == "CONNACK | REGISTER 1 #1 x");
    CHECK(rig.says("a", Regack{1, 1}) == "PUBLISH n1 one q1#1");
    CHECK(rig.says("a", Puback{1, 1}) == "PUBLISH n1 two q1#2");
    CHECK(rig.says("a", Puback{1, 2}) == "");
    CHECK(rig.in(State::active) == 1);
}

TEST_CASE("rule 5: CONNECT of a sleeping device keeps a session that would end with its connection") {
    Rig rig;
    rig.connects("a", "dev1", true);
    rig.subscribes("a", "x");
    rig.says("a", sleeps);
    rig.watcher.publishes("x", "one", wire::QoS::at_least_once);
    CHECK(rig.says("a", connect_of("dev1", false)) == "CONNACK | REGISTER 1 #1 x");
}

TEST_CASE("rule 5: DISCONNECT of a device is answered, also when it is repeated") {
    Rig rig;
    rig.connects("a", "dev1");
    for (int i = 0; i < 3; ++i) CHECK(rig.says("a", Disconnect{}) == "DISCONNECT");
    CHECK(rig.says("a", sleeps) == "DISCONNECT");
    CHECK(rig.in(State::disconnected) == 1);
}

TEST_CASE("rule 5: a device that does not wake is lost, and its will is published") {
    Rig rig;
    rig.watcher.subscribes("will/#");
    CHECK(rig.says("a", connect_of("dev1", true, true)) == "WILLTOPICREQ");
    CHECK(rig.says("a", Willtopic{.qos = qos1, .topic = "will/dev1"}) == "WILLMSGREQ");
    CHECK(rig.says("a", Willmsg{.message = as_bytes("gone")}) == "CONNACK");
    rig.says("a", Disconnect{100});
    rig.passes(109s);
    CHECK(rig.watcher.heard() == "");
    rig.passes(2s);
    CHECK(rig.watcher.heard() == "will/dev1 gone q1");
}

TEST_CASE("a sleeping device that pings without its client id is known by its address, with another id it is not") {
    Rig rig;
    rig.connects("a", "dev1");
    rig.says("a", sleeps);
    CHECK(rig.says("a", Pingreq{}) == "PINGRESP");
    CHECK(rig.in(State::asleep) == 1);
    CHECK(rig.says("a", Pingreq{"dev2"}) == "DISCONNECT");
    CHECK(rig.in(State::disconnected) == 1);
}

// ---------------------------------------------------------------------------------------------------------------------
// The will

TEST_CASE("rule 13: the handshake of the will tolerates repetitions and packets in the wrong order") {
    Rig rig;
    rig.watcher.subscribes("#");
    const Connect connect = connect_of("dev1", true, true);
    const Willtopic topic{.qos = qos1, .retain = true, .topic = "w"};
    const Willmsg message{.message = as_bytes("gone")};
    CHECK(rig.says("a", connect) == "WILLTOPICREQ");
    CHECK(rig.says("a", message) == "");  // not asked for yet
    CHECK(rig.says("a", connect) == "WILLTOPICREQ");
    CHECK(rig.says("a", topic) == "WILLMSGREQ");
    CHECK(rig.says("a", topic) == "WILLMSGREQ");
    CHECK(rig.says("a", connect) == "WILLMSGREQ");
    CHECK(rig.says_at_once("a", message) == "");
    CHECK(rig.says_at_once("a", message) == "");  // the broker has not answered yet
    CHECK(rig.turn("a") == "CONNACK");
    CHECK(rig.says("a", message) == "CONNACK");  // CONNACK was lost
    CHECK(rig.says("a", topic) == "");
    CHECK(rig.says("a", connect) == "CONNACK");
    rig.passes(91s);
    CHECK(rig.watcher.heard() == "w gone q1");
}

TEST_CASE("rule 13: a device that leaves takes its will with it") {
    Rig rig;
    rig.watcher.subscribes("#");
    rig.says("a", connect_of("dev1", true, true));
    rig.says("a", Willtopic{.topic = "w"});
    CHECK(rig.says("a", Willmsg{.message = as_bytes("gone")}) == "CONNACK");
    rig.says("a", Disconnect{});
    rig.passes(1h);
    CHECK(rig.watcher.heard() == "");
}

TEST_CASE("rule 13: an empty WILLTOPIC ends the handshake without a will") {
    Rig rig;
    rig.watcher.subscribes("#");
    CHECK(rig.says("a", connect_of("dev1", true, true)) == "WILLTOPICREQ");
    CHECK(rig.says("a", Willtopic{}) == "CONNACK");
    rig.passes(91s);
    CHECK(rig.counters().lost == 1);
    CHECK(rig.watcher.heard() == "");
}

TEST_CASE("rule 13: without CleanSession the will stays, with CleanSession it is deleted") {
    for (const bool is_clean : {false, true}) {
        Rig rig;
        rig.watcher.subscribes("#");
        rig.says("a", connect_of("dev1", false, true));
        rig.says("a", Willtopic{.topic = "w"});
        CHECK(rig.says("a", Willmsg{.message = as_bytes("gone")}) == "CONNACK");
        rig.says("a", Disconnect{});
        rig.connects("a", "dev1", is_clean);
        rig.passes(91s);
        CHECK(rig.counters().lost == 1);
        CHECK(rig.watcher.heard() == (is_clean ? "" : "w gone"));
    }
}

TEST_CASE("rule 13: WILLTOPICUPD and WILLMSGUPD replace the will, and an empty topic deletes it") {
    for (const bool is_deleted : {false, true}) {
        Rig rig;
        rig.watcher.subscribes("#");
        rig.connects("a", "dev1");
        CHECK(rig.says("a", Willmsg{true, as_bytes("new")}) == "WILLMSGRESP not_supported");  // of which topic?
        const Willtopic topic{.is_update = true, .qos = qos2, .topic = "new/w"};
        CHECK(rig.says("a", topic) == "WILLTOPICRESP");
        CHECK(rig.says("a", Willmsg{true, as_bytes("new")}) == "WILLMSGRESP");
        CHECK(rig.says("a", topic) == "WILLTOPICRESP");
        if (is_deleted) CHECK(rig.says("a", Willtopic{.is_update = true}) == "WILLTOPICRESP");
        rig.passes(91s);
        CHECK(rig.counters().lost == 1);
        CHECK(rig.watcher.heard() == (is_deleted ? "" : "new/w new q1"));
    }
}

TEST_CASE("rule 13: a device that does not answer the handshake is given up") {
    Rig rig;
    CHECK(rig.says("a", connect_of("dev1", true, true)) == "WILLTOPICREQ");
    CHECK(rig.passes(40s, "a") == "WILLTOPICREQ | WILLTOPICREQ | WILLTOPICREQ | WILLTOPICREQ");
    CHECK(rig.passes(10s, "a") == "DISCONNECT");
    CHECK(rig.in(State::disconnected) == 1);
    CHECK_FALSE(rig.has_session("dev1"));
}

}  // namespace
}  // namespace ledge::mqttsn
