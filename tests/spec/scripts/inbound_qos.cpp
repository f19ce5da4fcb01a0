// QoS 1 and 2 from a publisher: acknowledgements, packet ids, repetitions.
#include "spec.hpp"

#include "ledge/broker/options.hpp"
#include "ledge/journal/records.hpp"
#include "ledge/session/limits.hpp"

namespace ledge::spec {

SPEC(
    "v3 [MQTT-4.3.2-2] [MQTT-2.3.1-6] v5 [MQTT-4.3.2-4] [MQTT-2.2.1-5] [MQTT-3.4.2-1] QoS 1 is answered with PUBACK of "
    "its id") {
    for (const auto version : every_version) {
        Script s(version);
        s.client("meter").connects().subscribes("a");
        s.client("lamp").connects();
        for (const std::uint16_t id : PacketIds{1, 2, 255, 256, 65'535}) {
            s.client("lamp").sends(publish("a", "x").qos1(id)).gets(puback(id));
            s.client("meter").gets(publish("a", "x"));
        }
        s.nothing_else();
    }
}

SPEC("v3 [MQTT-4.3.2-2] v5 [MQTT-4.3.2-5] after PUBACK the id stands for a new message, whatever DUP says") {
    for (const auto version : every_version) {
        Script s(version);
        s.client("meter").connects().subscribes("a");
        s.client("lamp").connects().sends(publish("a", "1").qos1(7)).gets(puback(7));
        s.client("lamp").sends(publish("a", "1").qos1(7).dup()).gets(puback(7));
        s.client("meter").gets(publish("a", "1")).gets(publish("a", "1"));
        s.nothing_else();
    }
}

SPEC(
    "v3 [MQTT-4.3.3-2] [MQTT-2.3.1-6] v5 [MQTT-4.3.3-8] [MQTT-4.3.3-11] [MQTT-2.2.1-5] [MQTT-3.5.2-1] [MQTT-3.7.2-1] "
    "QoS 2: PUBLISH, PUBREC, PUBREL, PUBCOMP with one id, delivered once") {
    for (const auto version : every_version) {
        Script s(version);
        s.client("meter").connects().subscribes("a");
        s.client("lamp").connects().sends(publish("a", "1").qos2(65'535)).gets(pubrec(65'535));
        s.client("lamp").sends(pubrel(65'535)).gets(pubcomp(65'535));
        s.client("meter").gets(publish("a", "1"));
        s.nothing_else();
    }
}

SPEC(
    "v3 [MQTT-4.3.3-2] v5 [MQTT-4.3.3-10] a repetition before PUBREL is answered with PUBREC and not delivered again") {
    for (const auto version : every_version) {
        Script s(version);
        s.client("meter").connects().subscribes("a");
        s.client("lamp").connects().sends(publish("a", "1").qos2(7)).gets(pubrec(7));
        s.client("lamp").sends(publish("a", "1").qos2(7).dup()).gets(pubrec(7));
        s.client("lamp").sends(publish("a", "1").qos2(7)).gets(pubrec(7));
        s.client("lamp").sends(pubrel(7)).gets(pubcomp(7));
        s.client("meter").gets(publish("a", "1"));
        s.nothing_else();
    }
}

SPEC("v3 [MQTT-4.3.3-2] v5 [MQTT-4.3.3-12] after PUBCOMP the id stands for a new message") {
    for (const auto version : every_version) {
        Script s(version);
        s.client("meter").connects().subscribes("a");
        for (const char* payload : {"1", "2", "2"}) {
            s.client("lamp").connects().sends(publish("a", payload).qos2(7).dup()).gets(pubrec(7));
            s.client("lamp").sends(pubrel(7)).gets(pubcomp(7)).disconnects();
            s.client("meter").gets(publish("a", payload));
        }
        s.nothing_else();
    }
}

SPEC("PUBREL repeated after PUBCOMP is answered with PUBCOMP: in MQTT 5 the id is not found") {
    for (const auto version : every_version) {
        Script s(version);
        s.client("meter").connects().subscribes("a");
        s.client("lamp").connects().sends(publish("a", "1").qos2(7)).gets(pubrec(7)).sends(pubrel(7)).gets(pubcomp(7));
        s.client("lamp").sends(pubrel(7)).gets(pubcomp(7, ReasonCode::packet_identifier_not_found));
        s.client("lamp").sends(pubrel(8)).gets(pubcomp(8, ReasonCode::packet_identifier_not_found));
        s.client("meter").gets(publish("a", "1"));
        s.nothing_else();
    }
}

SPEC("v5 PUBREL with a reason code, as the standard allows it, completes the exchange") {
    Script s;
    s.client("lamp").connects().sends(publish("a", "1").qos2(7)).gets(pubrec(7, ReasonCode::no_matching_subscribers));
    s.client("lamp").sends(pubrel(7, ReasonCode::packet_identifier_not_found)).gets(pubcomp(7));
    s.client("lamp").sends(pubrel(7)).gets(pubcomp(7, ReasonCode::packet_identifier_not_found));
    s.nothing_else();
}

SPEC("ids of the two directions are independent") {
    for (const auto version : every_version) {
        Script s(version);
        s.client("lamp").connects().subscribes("a", qos2);
        s.client("lamp").sends(publish("a", "1").qos2(1)).gets_in_any_order({pubrec(1), publish("a", "1").qos2(1)});
        s.client("lamp").sends(pubrec(1)).gets(pubrel(1)).sends(pubrel(1)).gets(pubcomp(1)).completes(1);
        s.nothing_else();
    }
}

SPEC(
    "v3 [MQTT-4.6.0-2] [MQTT-4.6.0-3] v5 [MQTT-4.6.0-2] [MQTT-4.6.0-3] [MQTT-4.6.0-4] acknowledgements come in the "
    "order of the messages") {
    for (const auto version : every_version) {
        Script s(version);
        s.client("lamp").connects();
        std::string all;
        for (std::uint16_t id = 1; id <= 20; ++id)
            all += encode(id % 3 == 0 ? publish("a", "x").qos2(id) : publish("a", "x").qos1(id), version);
        s.client("lamp").sends_raw(all);
        const ReasonCode nobody = ReasonCode::no_matching_subscribers;
        for (std::uint16_t id = 1; id <= 20; ++id)
            s.client("lamp").gets(id % 3 == 0 ? pubrec(id, nobody) : puback(id, nobody));
        all.clear();
        for (std::uint16_t id = 3; id <= 20; id = static_cast<std::uint16_t>(id + 3))
            all += encode(pubrel(id), version);
        s.client("lamp").sends_raw(all);
        for (std::uint16_t id = 3; id <= 20; id = static_cast<std::uint16_t>(id + 3))
            s.client("lamp").gets(pubcomp(id));
        s.nothing_else();
    }
}

SPEC("v3 [MQTT-2.3.1-6] v5 [MQTT-2.2.1-5] an id that serves QoS 2 and then QoS 1 gets the answer of each") {
    for (const auto version : standard_versions) {
        Script s(version);
        s.client("meter").connects().subscribes("a");
        s.client("lamp").connects().sends(publish("a", "1").qos2(5)).gets(pubrec(5)).sends(pubrel(5)).gets(pubcomp(5));
        s.client("lamp").sends(publish("a", "2").qos1(5)).gets(puback(5));
        s.client("meter").gets(publish("a", "1")).gets(publish("a", "2"));
        s.nothing_else();
    }
}

SPEC("v5 [MQTT-4.3.3-9] after a PUBREC of 0x80 or more the id stands for a new message") {
    Script s;
    s.client("meter").connects().subscribes("#");
    s.client("lamp").connects().sends(publish("$SYS/x", "1").qos2(7)).gets(pubrec(7, ReasonCode::not_authorized));
    s.client("lamp").sends(publish("a", "2").qos2(7)).gets(pubrec(7)).sends(pubrel(7)).gets(pubcomp(7));
    s.client("meter").gets(publish("a", "2"));
    s.nothing_else();
}

SPEC("v5 [MQTT-3.3.4-7] more than the broker's Receive Maximum of QoS 2 messages without PUBREL: 0x93") {
    Script s(v5, [](broker::ShardOptions& options) { options.listeners[0].limits.receive_maximum = 3; });
    s.client("lamp").connects().gets(connack().with(Id::receive_maximum, 3));
    const ReasonCode nobody = ReasonCode::no_matching_subscribers;
    for (std::uint16_t id = 1; id <= 3; ++id)
        s.client("lamp").sends(publish("a", "x").qos2(id)).gets(pubrec(id, nobody));
    s.client("lamp").sends(pubrel(2)).gets(pubcomp(2));
    s.client("lamp").sends(publish("a", "x").qos2(4)).gets(pubrec(4, nobody));
    s.client("lamp").sends(publish("a", "x").qos2(1).dup()).gets(pubrec(1));
    s.client("lamp").sends(publish("a", "x")).sends(publish("a", "x").qos2(5));
    s.client("lamp").is_disconnected(ReasonCode::receive_maximum_exceeded);
    s.nothing_else();
}

SPEC("v5 QoS 1 does not use up the Receive Maximum: it is acknowledged at once") {
    Script s(v5, [](broker::ShardOptions& options) { options.listeners[0].limits.receive_maximum = 3; });
    s.client("lamp").connects();
    for (int round = 0; round < 50; ++round) s.client("lamp").publishes("a", "x", qos1);
    s.nothing_else();
}

SPEC("acknowledgements of messages that the broker never sent are taken without harm") {
    for (const auto version : every_version) {
        Script s(version);
        s.client("meter").connects().sends(puback(77)).sends(pubcomp(77)).pings();
        s.client("meter")
            .sends(pubrec(77))
            .gets(pubrel(77, ReasonCode::packet_identifier_not_found))
            .sends(pubcomp(77))
            .pings();
        s.nothing_else();
    }
}

}  // namespace ledge::spec
