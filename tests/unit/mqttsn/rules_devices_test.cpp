// Rules 20 to 23 of src/mqttsn/README.md: the devices file, and devices with a key.
#include <array>

#include "rig.hpp"

namespace ledge::mqttsn {
namespace {

Secret secret_of(Byte byte) {
    std::array<Byte, device_key_bytes> bytes{};
    bytes.fill(byte);
    return Secret(bytes);
}

DeviceRule rule(std::string client_id, std::string user, Byte key = 0) {
    DeviceRule one;
    one.client_id = std::move(client_id);
    one.user = std::move(user);
    if (key != 0) one.key = secret_of(key);
    return one;
}

template <class... Rules>
DeviceTable table_of(Rules... rules) {
    DeviceTable table = DeviceTable::of_file();
    (static_cast<void>(table.add(std::move(rules))), ...);
    return table;
}

const Secret key_1 = secret_of(1);
const Secret key_2 = secret_of(2);

/// A rig with the devices "dev1" and "dev2", which have the keys 1 and 2, and "plain".
void fill(Rig& rig) { rig.set_devices(table_of(rule("dev1", "one", 1), rule("dev2", "two", 2), rule("plain", "p"))); }

TEST_CASE("rule 20: only listed client ids may connect, each as the user of its rule") {
    Rig rig;
    rig.set_devices(table_of(rule("meter-*", "meters"), rule("meter-9", "nine"), rule("guest", "")));
    CHECK(rig.says("a", connect_of("lamp")) == "CONNACK not_supported");
    CHECK(rig.counters().connects_unlisted == 1);
    CHECK_FALSE(rig.has_session("lamp"));
    const auto event = rig.gateway->take_event();
    REQUIRE(event.has_value());
    CHECK(event->kind == GatewayEvent::Kind::refused);
    CHECK(event->text == "the devices file does not list the client id");
    CHECK(rig.says("a", connect_of("lamp")) == "CONNACK not_supported");
    CHECK_FALSE(rig.gateway->take_event().has_value());  // told once
    rig.connects("a", "meter-1");
    rig.connects("b", "meter-9");
    rig.connects("c", "guest");
    CHECK(rig.users == std::map<std::string, std::string>{{"guest", ""}, {"meter-1", "meters"}, {"meter-9", "nine"}});
}

TEST_CASE("rule 20: each device has its own predefined topics") {
    Rig rig = with_predefined();
    DeviceRule one = rule("m*", "");
    one.topics = {{9, "plant/%c/kwh"}, {11, "cmd/%c"}};
    rig.set_devices(table_of(std::move(one), rule("other", "")));
    rig.watcher.subscribes("#");
    rig.connects("a", "m1");
    rig.connects("b", "m2");
    rig.connects("c", "other");
    const auto publish_9 = [&](std::string_view peer) {
        rig.says(peer, Publish{.type = TopicIdType::predefined, .topic_id = 9, .data = as_bytes("x")});
        return rig.watcher.heard();
    };
    CHECK(publish_9("a") == "plant/m1/kwh x");
    CHECK(publish_9("b") == "plant/m2/kwh x");
    CHECK(publish_9("c") == "site/meter x");
    const Subscribe subscribe{.type = TopicIdType::predefined, .message_id = 5, .topic_id = 11};
    CHECK(rig.says("a", subscribe) == "SUBACK 11 #5 q0");
    rig.watcher.publishes("cmd/m1", "on", wire::QoS::at_most_once);
    CHECK(rig.turn("a") == "PUBLISH p11 on");
    CHECK(rig.says("c", subscribe) == "SUBACK 0 #5 q0 invalid_topic_id");
}

TEST_CASE("rule 21: above its rate a device is told to wait, and QoS 0 is lost") {
    Rig rig;
    DeviceRule one = rule("dev1", "");
    one.messages_per_second_max = 2;
    rig.set_devices(table_of(std::move(one), rule("free", "")));
    rig.watcher.subscribes("#");
    rig.connects("a", "dev1");
    const TopicId topic = rig.registers("a", "x");
    CHECK(rig.says("a", publish(topic, "1", qos1, 1)) == "PUBACK 1 #1");
    CHECK(rig.says("a", publish(topic, "2", qos2, 2)) == "PUBREC #2");
    CHECK(rig.says("a", publish(topic, "3", qos0)) == "");
    CHECK(rig.says("a", publish(topic, "4", qos1, 4)) == "PUBACK 1 #4 congestion");
    CHECK(rig.says("a", Answer{MessageType::pubrel, 2}) == "PUBCOMP #2");  // no message
    CHECK(rig.watcher.heard() == "x 1 q1 | x 2 q2");
    CHECK(rig.counters().over_rate == 2);
    rig.passes(500ms);
    CHECK(rig.says("a", publish(topic, "4", qos1, 4)) == "PUBACK 1 #4");
    rig.connects("b", "free");
    for (int i = 0; i < 100; ++i) rig.says("b", publish(topic, "y"));
    CHECK(rig.counters().over_rate == 2);
}

TEST_CASE("rule 22: a device with a key speaks in envelopes, and is refused without one") {
    Rig rig;
    fill(rig);
    rig.watcher.subscribes("#");
    CHECK(rig.says("a", connect_of("dev1")) == "CONNACK not_supported");
    CHECK(rig.counters().unsealed == 1);
    CHECK(rig.says_sealed("a", "dev1", key_1, 1, connect_of("dev1")) == "[CONNACK]");
    const auto envelope = read_envelope(rig.last_sent);
    REQUIRE(envelope.has_value());
    CHECK(envelope->has_tag_of(key_1));
    CHECK(envelope->sender == gateway_sender(sender_of("dev1")));
    CHECK(rig.users["dev1"] == "one");
    CHECK(rig.says_sealed("a", "dev1", key_1, 2, Register{0, 7, "x"}) == "[REGACK 1 #7]");
    CHECK(rig.says_sealed("a", "dev1", key_1, 3, publish(1, "hi", qos1, 8)) == "[PUBACK 1 #8]");
    CHECK(rig.watcher.heard() == "x hi q1");
    // Whoever sends from its address without the key changes nothing and gets no answer.
    CHECK(rig.says("a", publish(1, "forged", qos1, 9)) == "");
    CHECK(rig.says("a", Disconnect{}) == "");
    CHECK(rig.says("a", Pingreq{}) == "");
    CHECK(rig.says("a", connect_of("dev1")) == "CONNACK not_supported");
    CHECK(rig.says("a", connect_of("plain")) == "CONNACK congestion");
    CHECK(rig.watcher.heard() == "");
    CHECK(rig.in(Endpoint::State::active) == 1);
    CHECK(rig.says_sealed("a", "dev1", key_1, 4, Pingreq{}) == "[PINGRESP]");
    CHECK(rig.counters().unsealed == 5);
}

TEST_CASE("rule 22: a wrong tag, an unknown sender and a repeated envelope are counted, and nobody is answered") {
    Rig rig;
    fill(rig);
    CHECK(rig.says_sealed("a", "dev1", key_2, 1, connect_of("dev1")) == "");  // the key of another device
    CHECK(rig.counters().envelopes_forged == 1);
    CHECK(rig.says_sealed("a", "plain", key_1, 1, connect_of("plain")) == "");    // has no key
    CHECK(rig.says_sealed("a", "nobody", key_1, 1, connect_of("nobody")) == "");  // is not listed
    CHECK(rig.says_sealed("a", "dev1", key_1, 1, connect_of("dev2")) == "");      // is somebody else
    CHECK(rig.says_sealed("a", "dev1", key_1, 1, Pingreq{}) == "");               // was never here
    CHECK(rig.counters().envelopes_unknown == 4);
    CHECK(rig.gateway->devices() == 0);
    CHECK(rig.says_sealed("a", "dev1", key_1, 5, connect_of("dev1")) == "[CONNACK]");
    CHECK(rig.says_sealed("a", "dev1", key_1, 5, Pingreq{}) == "");  // the same counter
    CHECK(rig.says_sealed("a", "dev1", key_1, 4, Pingreq{}) == "");  // an older one
    CHECK(rig.counters().envelopes_replayed == 2);
    CHECK(rig.says_sealed("a", "dev1", key_1, 6, connect_of("dev2")) == "");  // known, and still not dev2
    CHECK(rig.says_bytes("a", bytes_of("1e ff 42 01 00")) == "");
    CHECK(rig.counters().packets_malformed == 1);
    // Authentic, but nothing that MQTT-SN knows, or a packet of another node.
    CHECK(rig.says_bytes("a", make_envelope(key_1, sender_of("dev1"), 7, bytes_of("02 19"))) == "");
    CHECK(rig.says_sealed("a", "dev1", key_1, 8, Forward{0, as_bytes("n"), bytes_of("02 16")}) == "");
    CHECK(rig.counters().packets_malformed == 3);
    CHECK(rig.says_sealed("a", "dev1", key_1, 0xFFFFFFFF, Pingreq{}) == "[PINGRESP]");
    CHECK(rig.says_sealed("a", "dev1", key_1, 0xFFFFFFFF, Pingreq{}) == "");  // the counter is used up
    CHECK(rig.says_sealed("a", "dev1", key_1, 0, Pingreq{}) == "");
}

TEST_CASE("rule 22: an envelope is no way to make the gateway send more than it got") {
    Rig rig;
    fill(rig);
    rig.says_sealed("a", "dev1", key_1, 1, connect_of("dev1"));
    rig.says_sealed("a", "dev1", key_1, 2, Disconnect{});
    CHECK(rig.says_sealed("a", "dev1", key_1, 3, Pingreq{}) == "[DISCONNECT]");
    CHECK(rig.last_sent.size() == 30);
    CHECK(rig.says_sealed("a", "dev1", key_1, 4, Searchgw{}) == "[GWINFO 1]");
    CHECK(rig.last_sent.size() == 31);
}

TEST_CASE("rule 22: QoS -1 in an envelope is published like any other") {
    GatewayOptions options;
    options.connectionless_client_id = "beacons";
    Rig rig(options, [] {
        PredefinedTopics topics;
        topics.add(9, "site/meter");
        return topics;
    }());
    fill(rig);
    rig.watcher.subscribes("#");
    rig.says_sealed("a", "dev1", key_1, 1, connect_of("dev1"));
    rig.says_sealed("a", "dev1", key_1, 2,
                    Publish{.qos = QoS::without_connection, .type = TopicIdType::predefined, .topic_id = 9});
    CHECK(rig.counters().connectionless == 1);
}

TEST_CASE("rule 23: the key proves the device at any address, behind a forwarder as well") {
    Rig rig;
    fill(rig);
    rig.says_sealed("a", "dev1", key_1, 1, connect_of("dev1"));
    CHECK(rig.says_sealed("b", "dev1", key_1, 2, Pingreq{}) == "[PINGRESP]");
    CHECK(rig.counters().roamed == 1);
    // Its messages go to the new address.
    CHECK(rig.says_sealed("b", "dev1", key_1, 3, Subscribe{.message_id = 4, .filter = "xyz"}) == "[SUBACK 1 #4 q0]");
    rig.watcher.publishes("xyz", "on", wire::QoS::at_most_once);
    CHECK(rig.turn("b") == "[PUBLISH n1 on]");
    // The former address is free, and a repeated old envelope does not bring the device back.
    CHECK(rig.says("a", connect_of("plain")) == "CONNACK");
    CHECK(rig.says_sealed("c", "dev1", key_1, 3, Pingreq{}) == "");
    // Another device with a key comes to its address, as behind a router: each is heard, and none is lost.
    CHECK(rig.says_sealed("b", "dev2", key_2, 1, connect_of("dev2")) == "[CONNACK]");
    CHECK(rig.in(Endpoint::State::active) == 3);
    CHECK(rig.says_sealed("d", "dev1", key_1, 5, connect_of("dev1", true)).ends_with("[CONNACK]"));
    CHECK(rig.counters().lost == 0);
    // Behind a forwarder: the envelope is inside of its header.
    const auto envelope = make_envelope(key_1, sender_of("dev1"), 6, encoded(Pingreq{}));
    rig.gateway->on_packet(as_bytes("f"), encoded(Forward{0, as_bytes("n1"), envelope}), rig.now());
    CHECK(rig.turn("f/n1") == "[PINGRESP]");
}

TEST_CASE("rule 23: a sleeper with a key wakes where it is; its client id alone proves nothing") {
    GatewayOptions options;
    options.roaming = true;
    Rig rig(options);
    fill(rig);
    rig.says_sealed("a", "dev1", key_1, 1, connect_of("dev1"));
    rig.says_sealed("a", "dev1", key_1, 2, sleeps);
    CHECK(rig.says("b", Pingreq{"dev1"}) == "DISCONNECT");
    CHECK(rig.in(Endpoint::State::asleep) == 1);
    CHECK(rig.says_sealed("b", "dev1", key_1, 3, Pingreq{"dev1"}) == "[PINGRESP]");
    CHECK(rig.in(Endpoint::State::asleep) == 1);
}

TEST_CASE("rule 23: after a restart old envelopes bring nothing, and a device comes back at once") {
    Rig rig;
    fill(rig);
    rig.watcher.subscribes("#");
    const auto old_connect = make_envelope(key_1, sender_of("dev1"), 1, encoded(connect_of("dev1")));
    const auto old_publish = make_envelope(
        key_1, sender_of("dev1"), 2, encoded(Publish{.type = TopicIdType::short_name, .topic_id = short_id_of("xy")}));
    CHECK(rig.says_bytes("a", old_connect) == "[CONNACK]");
    CHECK(rig.says_bytes("a", old_publish) == "");
    CHECK(rig.watcher.heard() == "xy ");
    rig.crashes();
    // The counter of CONNECT was on disk before CONNACK; the one of PUBLISH was not, but there is no connection now.
    CHECK(rig.says_bytes("b", old_connect) == "");
    CHECK(rig.counters().envelopes_replayed == 1);
    CHECK(rig.says_bytes("b", old_publish) == "[DISCONNECT]");
    CHECK(rig.watcher.heard() == "");
    const auto envelope = read_envelope(rig.last_sent);
    REQUIRE(envelope.has_value());
    CHECK(envelope->counter > EnvelopeCounters::block);  // above all that were used before
    // The device itself learns in one round trip that it has to connect.
    CHECK(rig.says_sealed("a", "dev1", key_1, 3, Pingreq{}) == "[DISCONNECT]");
    CHECK(rig.says_sealed("a", "dev1", key_1, 4, connect_of("dev1")) == "[CONNACK]");
}

TEST_CASE("rule 23: a CONNECT waits until its counter is on disk") {
    Rig rig;
    fill(rig);
    rig.writes_counters = false;
    CHECK(rig.says_sealed("a", "dev1", key_1, 1, connect_of("dev1")) == "");
    CHECK(rig.gateway->devices() == 0);
    REQUIRE(rig.gateway->wants_counters_written());
    const std::string text = rig.gateway->counters_to_write();
    // The repetition came while the file was being written: the next one has its counter.
    CHECK(rig.says_sealed("a", "dev1", key_1, 2, connect_of("dev1")) == "");
    rig.gateway->counters_written(true, rig.now());
    CHECK(rig.turn("a") == "");
    // The disk is full.
    REQUIRE(rig.gateway->wants_counters_written());
    static_cast<void>(rig.gateway->counters_to_write());
    rig.gateway->counters_written(false, rig.now());
    CHECK(rig.turn("a") == "");
    CHECK(rig.gateway->devices() == 0);
    REQUIRE(rig.write_counters());
    CHECK(rig.turn("a") == "[CONNACK]");
    CHECK(rig.counters_file != text);
}

TEST_CASE("rule 23: a device with a new key may begin its counter anew, and the former key is worth nothing") {
    Rig rig;
    fill(rig);
    CHECK(rig.says_sealed("a", "dev1", key_1, 5000, connect_of("dev1")) == "[CONNACK]");
    rig.set_devices(table_of(rule("dev1", "one", 2)));
    CHECK(rig.turn("a") == "[DISCONNECT]");
    CHECK(rig.says_sealed("a", "dev1", key_1, 5001, connect_of("dev1")) == "");
    CHECK(rig.counters().envelopes_forged == 1);
    CHECK(rig.says_sealed("a", "dev1", key_2, 1, connect_of("dev1")) == "[CONNACK]");
    rig.crashes();
    CHECK(rig.says_sealed("a", "dev1", key_2, 1, connect_of("dev1")) == "");
    CHECK(rig.says_sealed("a", "dev1", key_2, 2, connect_of("dev1")) == "[CONNACK]");
}

TEST_CASE("devices reload: who is no longer admitted, or is somebody else now, is sent away; others go on") {
    Rig rig;
    rig.watcher.subscribes("#");
    rig.set_devices(table_of(rule("stays", "s"), rule("leaves", "l"), rule("moves", "m"), rule("gets-key", "g"),
                             rule("sealed", "k", 1), rule("rated", "r")));
    for (const std::string_view name : {"stays", "leaves", "moves", "gets-key", "rated"}) rig.connects(name, name);
    rig.says_sealed("sealed", "sealed", key_1, 1, connect_of("sealed"));
    DeviceRule rated = rule("rated", "r");
    rated.messages_per_second_max = 1;
    rig.set_devices(table_of(rule("sta*", "s"), rule("moves", "m2"), rule("gets-key", "g", 2), rule("sealed", "k", 1),
                             std::move(rated)));
    CHECK(rig.turn() == "leaves: DISCONNECT | moves: DISCONNECT | gets-key: DISCONNECT");
    CHECK(rig.in(Endpoint::State::active) == 3);
    CHECK(rig.gateway->devices() == 3);  // the others are forgotten
    CHECK(rig.says("stays", Pingreq{}) == "PINGRESP");
    CHECK(rig.says_sealed("sealed", "sealed", key_1, 2, Pingreq{}) == "[PINGRESP]");
    CHECK(rig.says("leaves", connect_of("leaves")) == "CONNACK not_supported");
    rig.connects("moves", "moves");
    CHECK(rig.users["moves"] == "m2");
    CHECK(rig.says("gets-key", connect_of("gets-key")) == "CONNACK not_supported");
    CHECK(rig.says_sealed("gets-key", "gets-key", key_2, 1, connect_of("gets-key")) == "[CONNACK]");
    rig.says("rated", publish(short_id_of("xy"), "1"));
    rig.says("rated", publish(short_id_of("xy"), "2"));
    CHECK(rig.counters().over_rate == 1);
    // Without a file again: who had a rule is somebody else now.
    rig.set_devices(DeviceTable());
    rig.turn();
    CHECK(rig.in(Endpoint::State::active) == 0);
    rig.connects("x", "anybody");
}

TEST_CASE("devices reload: the will of a device that is sent away is published, and its session stays") {
    Rig rig;
    rig.watcher.subscribes("will/#");
    rig.set_devices(table_of(rule("dev1", "")));
    CHECK(rig.says("a", connect_of("dev1", false, true)) == "WILLTOPICREQ");
    CHECK(rig.says("a", Willtopic{.topic = "will/dev1"}) == "WILLMSGREQ");
    CHECK(rig.says("a", Willmsg{.message = as_bytes("gone")}) == "CONNACK");
    rig.set_devices(DeviceTable::of_file());
    CHECK(rig.turn("a") == "DISCONNECT");
    CHECK(rig.watcher.heard() == "will/dev1 gone");
    CHECK(rig.has_session("dev1"));
    CHECK(rig.gateway->devices() == 0);
}

TEST_CASE("devices reload: a device that comes back before its former connection has ended is told to wait") {
    Rig rig;
    rig.set_devices(table_of(rule("dev1", "one")));
    rig.connects("a", "dev1");
    rig.set_devices(table_of(rule("dev1", "two")));
    CHECK(rig.says_at_once("a", connect_of("dev1")) == "DISCONNECT | CONNACK congestion");
    rig.turn();
    rig.connects("a", "dev1");
    CHECK(rig.users["dev1"] == "two");
}

}  // namespace
}  // namespace ledge::mqttsn
