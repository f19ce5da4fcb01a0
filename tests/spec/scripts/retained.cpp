// Retained messages: storing, replacing, deleting, and the three ways to be sent them.
#include "spec.hpp"

#include "ledge/broker/options.hpp"
#include "ledge/session/limits.hpp"

namespace ledge::spec {

namespace {

/// A lamp that has retained "on" under "a/b".
void begin(Script& s, QoS qos = qos0) {
    s.client("lamp").connects().publishes(publish("a/b", "on").qos(qos).retained());
}

}  // namespace

SPEC(
    "v3 [MQTT-3.3.1-5] [MQTT-3.3.1-6] [MQTT-3.3.1-8] v5 [MQTT-3.3.1-5] [MQTT-3.3.1-9] a retained message is sent to "
    "new subscriptions") {
    for (const auto version : every_version) {
        for (const auto qos : every_qos) {
            Script s(version);
            begin(s, qos);
            s.client("meter").connects().subscribes("a/+", qos2).acknowledges_automatically();
            s.client("meter").gets(publish("a/b", "on").qos(qos).retained());
            s.client("low").connects().subscribes("a/b", qos0).gets(publish("a/b", "on").retained());
            s.nothing_else();
        }
    }
}

SPEC("v3 [MQTT-3.3.1-9] v5 [MQTT-3.3.1-12] an established subscription gets the message without RETAIN") {
    for (const auto version : every_version) {
        Script s(version);
        s.client("meter").connects().subscribes("a/b");
        begin(s);
        s.client("meter").gets(publish("a/b", "on").retained(false));
        s.nothing_else();
    }
}

SPEC("v3 [MQTT-3.3.1-5] [MQTT-3.3.1-7] v5 [MQTT-3.3.1-5] the last retained message counts, whatever its QoS") {
    for (const auto version : every_version) {
        for (const auto qos : every_qos) {
            Script s(version);
            begin(s, qos1);
            s.client("lamp").publishes(publish("a/b", "off").qos(qos).retained());
            s.client("meter").connects().subscribes("a/#", qos2).acknowledges_automatically();
            s.client("meter").gets(publish("a/b", "off").qos(qos).retained());
            s.nothing_else();
        }
    }
}

SPEC(
    "v3 [MQTT-3.3.1-10] [MQTT-3.3.1-11] v5 [MQTT-3.3.1-6] [MQTT-3.3.1-7] an empty retained message is delivered and "
    "deletes") {
    for (const auto version : every_version) {
        Script s(version);
        begin(s);
        s.client("meter").connects().subscribes("a/b").gets(publish("a/b", "on").retained());
        s.client("lamp").publishes(publish("a/b", "").retained());
        s.client("meter").gets(publish("a/b", "").retained(false));
        s.client("late").connects().subscribes("a/b").subscribes("#");
        s.client("lamp").publishes(publish("never/there", "").retained());
        s.client("late").gets(publish("never/there", "")).unsubscribes("#").subscribes("#");
        s.nothing_else();
    }
}

SPEC("v3 [MQTT-3.3.1-12] v5 [MQTT-3.3.1-8] a message without RETAIN changes no retained message") {
    for (const auto version : every_version) {
        Script s(version);
        begin(s);
        s.client("lamp").publishes("a/b", "passing").publishes("a/b", "").publishes("a/c", "passing");
        s.client("meter").connects().subscribes("a/+").gets(publish("a/b", "on").retained());
        s.nothing_else();
    }
}

SPEC("a wildcard subscription gets all matching retained messages, each topic once") {
    for (const auto version : every_version) {
        Script s(version);
        s.client("lamp").connects();
        std::vector<Packet> expected;
        for (int at = 0; at < 200; ++at) {
            const std::string topic = "house/" + std::to_string(at % 10) + "/" + std::to_string(at);
            s.client("lamp").publishes(publish(topic, std::to_string(at)).retained());
            if (at % 10 == 3) expected.push_back(publish(topic, std::to_string(at)).retained());
        }
        s.client("meter").connects().subscribes("house/3/+").gets_in_any_order(expected);
        s.nothing_else();
        s.client("all").connects().subscribes("house/#");
        CHECK(s.client("all").takes_all().size() == 200);
    }
}

SPEC("v3 [MQTT-3.8.4-3] v5 [MQTT-3.8.4-4] [MQTT-3.3.1-9] subscribing again sends the retained messages again") {
    for (const auto version : every_version) {
        Script s(version);
        begin(s);
        for (int round = 0; round < 3; ++round)
            s.client("meter")
                .connects()
                .subscribes("a/b")
                .gets(publish("a/b", "on").retained())
                .subscribes("a/b")
                .gets(publish("a/b", "on").retained())
                .disconnects();
        s.nothing_else();
    }
}

SPEC("a resumed session is not sent retained messages again") {
    for (const auto version : every_version) {
        Script s(version);
        begin(s);
        s.client("meter").connects(resume).subscribes("a/b").gets(publish("a/b", "on").retained()).loses_connection();
        s.client("meter").connects(resume);
        s.nothing_else();
    }
}

SPEC("v5 [MQTT-3.3.1-10] retain handling 1: sent for a subscription that is new, and only then") {
    Script s;
    begin(s);
    const Filter filter = Filter("a/b").handling(1);
    s.client("meter").connects(resume).subscribes({filter}).gets(publish("a/b", "on").retained());
    s.client("meter").subscribes({filter}).gets_nothing().loses_connection();
    s.client("meter").connects(resume).gets(connack().session_present()).subscribes({filter}).gets_nothing();
    s.client("meter").unsubscribes("a/b").subscribes({filter}).gets(publish("a/b", "on").retained());
    s.client("meter").subscribes({Filter("a/+").handling(1)}).gets(publish("a/b", "on").retained());
    s.client("meter").subscribes("a/b").gets(publish("a/b", "on").retained());
    s.nothing_else();
}

SPEC("v5 [MQTT-3.3.1-11] retain handling 2: never sent") {
    Script s;
    begin(s);
    s.client("meter").connects().subscribes({Filter("a/b").handling(2), Filter("a/+").handling(2)}).gets_nothing();
    s.client("lamp").publishes("a/b", "off");
    s.client("meter").gets(publish("a/b", "off"));
    s.nothing_else();
}

SPEC("v5 [MQTT-3.3.1-12] [MQTT-3.3.1-13] retain as published decides about RETAIN for established subscriptions") {
    Script s;
    s.client("kept").connects().subscribes({Filter("a/b").as_published()});
    s.client("cleared").connects().subscribes("a/b");
    begin(s);
    s.client("lamp").publishes("a/b", "off");
    s.client("kept").gets(publish("a/b", "on").retained()).gets(publish("a/b", "off"));
    s.client("cleared").gets(publish("a/b", "on")).gets(publish("a/b", "off"));
    s.client("late").connects().subscribes("a/b").gets(publish("a/b", "on").retained());
    s.nothing_else();
}

SPEC("v5 [MQTT-3.3.1-13] retain as published holds for messages that waited") {
    Script s;
    s.client("meter").connects(resume).subscribes({Filter("a/b", qos1).as_published()}).loses_connection();
    begin(s, qos1);
    s.client("meter").connects(resume).gets(connack().session_present()).gets(publish("a/b", "on").qos1(1).retained());
    s.nothing_else();
}

SPEC("v5 [MQTT-3.3.1-13] overlapping subscriptions: RETAIN is kept if one of them asks for it") {
    Script s;
    s.client("meter").connects().subscribes({Filter("a/b"), Filter("a/+").as_published(), Filter("#")});
    begin(s);
    s.client("meter").gets(publish("a/b", "on").retained());
    s.nothing_else();
}

SPEC("v5 retained messages keep their properties and carry the identifier of the subscription that asked") {
    Script s;
    s.client("lamp").connects().publishes(publish("a/b", "on")
                                              .retained()
                                              .with(Id::content_type, "text")
                                              .with(Id::payload_format_indicator, 1)
                                              .user("k", "v"));
    s.client("meter").connects().subscribes("a/+", qos0, 3).subscribes("#", qos0, 4);
    const Packet on = publish("a/b", "on")
                          .retained()
                          .with(Id::content_type, "text")
                          .with(Id::payload_format_indicator, 1)
                          .user("k", "v");
    s.client("meter")
        .gets(Packet(on).with(Id::subscription_identifier, 3))
        .gets(Packet(on).with(Id::subscription_identifier, 4));
    s.nothing_else();
}

SPEC("v5 [MQTT-3.3.2-5] [MQTT-3.3.2-6] a retained message expires, and is sent with what remains until then") {
    Script s;
    s.client("lamp").connects().publishes(publish("a/b", "on").retained().with(Id::message_expiry_interval, 100));
    s.passes(30s);
    s.client("early").connects().subscribes("a/b").gets(
        publish("a/b", "on").retained().with(Id::message_expiry_interval, 70));
    s.passes(71s);
    s.client("late").connects().subscribes("a/b").subscribes("#");
    s.nothing_else();
}

SPEC("v5 [MQTT-3.2.2-14] RETAIN where it is not available ends the connection with 0x9A; CONNACK says so") {
    Script s(v5, [](broker::ShardOptions& options) { options.listeners[0].limits.retain_available = false; });
    s.client("lamp").connects().gets(connack().with(Id::retain_available, 0)).publishes("a/b", "1");
    s.client("lamp").sends(publish("a/b", "on").retained()).is_disconnected(ReasonCode::retain_not_supported);
    s.nothing_else();
}

SPEC("a retained message of one version is sent to clients of the others") {
    for (const auto writer : every_version) {
        for (const auto reader : every_version) {
            Script s;
            s.client("lamp").connects(writer).publishes(publish("a/b", "on").qos(qos1).retained());
            s.client("meter").connects(reader).subscribes("a/+", qos1).gets(publish("a/b", "on").qos1(1).retained());
            s.nothing_else();
        }
    }
}

SPEC("v3 a retained QoS 1 message beyond the limits closes a publisher that cannot be told: nobody gets it") {
    Script s(v311, [](broker::ShardOptions& options) { options.retained.messages_max = 1; });
    s.client("meter").connects().subscribes("#");
    s.client("lamp").connects().publishes(publish("1", "x").qos(qos1).retained());
    s.client("meter").gets(publish("1", "x"));
    s.client("lamp").sends(publish("2", "x").qos1(9).retained()).is_closed();
    s.nothing_else();
}

SPEC("retained messages beyond the limits are refused, replacing and deleting stays possible") {
    Script s(v5, [](broker::ShardOptions& options) { options.retained.messages_max = 2; });
    s.client("lamp").connects().publishes(publish("1", "x").retained()).publishes(publish("2", "x").retained());
    s.client("lamp").sends(publish("3", "x").qos1(1).retained()).gets(puback(1, ReasonCode::quota_exceeded));
    s.client("lamp").publishes(publish("2", "y").qos(qos1).retained()).publishes(publish("1", "").qos(qos1).retained());
    s.client("lamp").publishes(publish("3", "x").qos(qos1).retained());
    s.client("meter").connects().subscribes("#");
    s.client("meter").gets_in_any_order({publish("2", "y").retained(), publish("3", "x").qos(qos0).retained()});
    s.nothing_else();
}

}  // namespace ledge::spec
