// Properties of PUBLISH: passed on unaltered, expiry, request and response.
#include "spec.hpp"

#include "ledge/broker/options.hpp"
#include "ledge/session/limits.hpp"

namespace ledge::spec {

SPEC(
    "v5 [MQTT-3.3.2-4] [MQTT-3.3.2-15] [MQTT-3.3.2-16] [MQTT-3.3.2-17] [MQTT-3.3.2-18] [MQTT-3.3.2-20] "
    "what a publisher says about its message reaches every subscriber unaltered and in order") {
    Script s;
    for (const char* name : {"one", "two"})
        s.client(name).connects().subscribes("a", qos2).acknowledges_automatically();
    s.client("absent").connects(resume).subscribes("a", qos2).loses_connection();
    s.client("old").connects(v311).subscribes("a");
    s.client("lamp").connects();
    for (const auto qos : every_qos) {
        const Packet packet = publish("a", "x")
                                  .qos(qos)
                                  .user("z", "1")
                                  .with(Id::correlation_data, bytes({0, 255, 0}))
                                  .user("a", "2")
                                  .with(Id::payload_format_indicator, 1)
                                  .user("z", "3")
                                  .with(Id::response_topic, "answers/to me")
                                  .user("", "")
                                  .with(Id::content_type, "text/plain; charset=utf-8");
        s.client("lamp").publishes(packet);
        for (const char* name : {"one", "two"}) s.client(name).gets(packet);
        s.client("old").gets(publish("a", "x"));
    }
    s.client("absent").acknowledges_automatically().connects(resume).gets(connack().session_present());
    for (const auto qos : {qos1, qos2}) {
        s.client("absent").gets(publish("a", "x").qos(qos).any_properties());
        CHECK(s.client("absent").last().properties.size() == 8);
    }
    s.nothing_else();
}

SPEC("v5 a payload format indicator of 0 is passed on as well") {
    Script s;
    s.client("meter").connects().subscribes("a");
    s.client("lamp").connects().publishes(publish("a", "x").with(Id::payload_format_indicator, 0));
    s.client("meter").gets(publish("a", "x").with(Id::payload_format_indicator, 0));
    s.nothing_else();
}

SPEC("v5 many and long user properties are passed on") {
    Script s;
    s.client("meter").connects().subscribes("a");
    Packet packet = publish("a", "x");
    for (int at = 0; at < 300; ++at)
        packet.user("name " + std::to_string(at % 7), repeat('v', static_cast<std::size_t>(at)));
    s.client("lamp").connects().publishes(packet);
    s.client("meter").gets(packet);
    s.nothing_else();
}

SPEC("v5 [MQTT-3.3.2-13] [MQTT-3.3.2-19] [MQTT-1.5.7-1] [MQTT-1.5.4-1] texts in properties are UTF-8") {
    for (const std::string& wrong : {std::string("\xff"), bytes({'a', 0}), std::string("\xed\xa0\x80")}) {
        const Packet packets[] = {publish("a", "x").with(Id::response_topic, wrong),
                                  publish("a", "x").with(Id::content_type, wrong), publish("a", "x").user(wrong, "v"),
                                  publish("a", "x").user("k", wrong)};
        for (const auto& packet : packets) {
            Script s;
            s.client("meter").connects().subscribes("#");
            s.client("lamp").connects().sends(packet).is_disconnected(ReasonCode::malformed_packet);
            s.nothing_else();
        }
    }
}

SPEC("v5 [MQTT-3.3.2-14] a Response Topic has no wildcards") {
    for (const char* topic : {"a/#", "+/b", "#"}) {
        Script s;
        s.client("meter").connects().subscribes("#");
        s.client("lamp").connects().sends(publish("a", "x").with(Id::response_topic, topic));
        const auto answers = s.client("lamp").takes_all();
        CHECK(answers.size() == 1);
        for (const auto& answer : answers) CHECK(answer.type == PacketType::disconnect);
        s.client("lamp").is_closed();
        s.nothing_else();
    }
}

SPEC("v5 properties of PUBLISH that appear twice are protocol errors, those of other packets are malformed") {
    const Packet twice[] = {
        publish("a", "x").with(Id::content_type, "t").with(Id::content_type, "t"),
        publish("a", "x").with(Id::message_expiry_interval, 1).with(Id::message_expiry_interval, 1),
        publish("a", "x").with(Id::response_topic, "t").with(Id::response_topic, "t"),
        publish("a", "x").with(Id::correlation_data, "t").with(Id::correlation_data, "t"),
        publish("a", "x").with(Id::payload_format_indicator, 1).with(Id::payload_format_indicator, 1),
        publish("a", "x").with(Id::payload_format_indicator, 2)};
    for (const auto& packet : twice) {
        Script s;
        s.client("lamp").connects().sends(packet).is_disconnected(ReasonCode::protocol_error);
    }
    for (const auto id : {Id::will_delay_interval, Id::session_expiry_interval, Id::receive_maximum, Id::maximum_qos}) {
        Script s;
        s.client("lamp").connects().sends(publish("a", "x").with(id, 1)).is_disconnected(ReasonCode::malformed_packet);
    }
}

SPEC("v5 [MQTT-3.3.2-6] the time a message has waited is taken off its expiry interval") {
    Script s;
    s.client("meter").connects(resume).subscribes("a", qos1);
    s.client("lamp").connects().publishes(publish("a", "1").qos(qos1).with(Id::message_expiry_interval, 100));
    s.client("meter")
        .gets(publish("a", "1").qos1(1).with(Id::message_expiry_interval, 100))
        .acknowledges(1)
        .loses_connection();
    s.client("lamp").publishes(publish("a", "2").qos(qos1).with(Id::message_expiry_interval, 100));
    s.passes(40s);
    s.client("meter").connects(resume).gets(connack().session_present());
    s.client("meter").gets(publish("a", "2").qos1(2).with(Id::message_expiry_interval, 60));
    s.nothing_else();
}

SPEC("v5 [MQTT-3.3.2-5] an expired message is not delivered, later ones are") {
    Script s;
    s.client("meter").connects(resume).subscribes("a", qos2).loses_connection();
    s.client("lamp").connects().publishes(publish("a", "1").qos(qos1).with(Id::message_expiry_interval, 10));
    s.client("lamp")
        .publishes(publish("a", "2").qos(qos2).with(Id::message_expiry_interval, 10))
        .publishes("a", "3", qos1);
    s.client("lamp").publishes(publish("a", "4").qos(qos2).with(Id::message_expiry_interval, 20));
    s.passes(11s);
    s.client("meter").connects(resume).gets(connack().session_present()).gets(publish("a", "3").qos(qos1));
    s.client("meter").gets(publish("a", "4").qos(qos2).with(Id::message_expiry_interval, 9));
    s.nothing_else();
}

SPEC("v5 [MQTT-3.3.2-5] a message that waits for quota expires too") {
    Script s;
    s.client("meter").connects({.receive_maximum = 1}).subscribes("a", qos1);
    s.client("lamp")
        .connects()
        .publishes("a", "1", qos1)
        .publishes(publish("a", "2").qos(qos1).with(Id::message_expiry_interval, 10));
    s.client("lamp").publishes("a", "3", qos1);
    s.client("meter").gets(publish("a", "1").qos1(1));
    s.passes(11s);
    s.client("meter").acknowledges(1).gets(publish("a", "3").qos(qos1));
    s.nothing_else();
}

SPEC("v5 [MQTT-4.3.3-7] [MQTT-4.3.3-13] what has been sent does not expire: it is sent again, and QoS 2 is completed") {
    Script s;
    s.client("meter").connects(resume).subscribes("a", qos2);
    s.client("lamp").connects();
    for (int at = 1; at <= 2; ++at)
        s.client("lamp").publishes(publish("a", std::to_string(at)).qos(qos2).with(Id::message_expiry_interval, 10));
    s.client("meter").gets(publish("a", "1").qos2(1).with(Id::message_expiry_interval, 10));
    s.client("meter")
        .gets(publish("a", "2").qos2(2).with(Id::message_expiry_interval, 10))
        .receives(1)
        .loses_connection();
    s.passes(60s);
    s.client("meter").connects(resume).gets(connack().session_present()).gets(pubrel(1));
    s.client("meter").gets(publish("a", "2").qos2(2).dup().any_properties()).completes(1).receives(2).completes(2);
    s.nothing_else();
}

SPEC("v5 [MQTT-4.3.3-13] a publisher's QoS 2 exchange goes on although nobody got the message any more") {
    Script s;
    s.client("meter").connects(resume).subscribes("a", qos2).loses_connection();
    s.client("lamp").connects().sends(publish("a", "1").qos2(5).with(Id::message_expiry_interval, 1)).gets(pubrec(5));
    s.passes(10s);
    s.client("lamp").sends(pubrel(5)).gets(pubcomp(5));
    s.client("meter").connects(resume).gets(connack().session_present());
    s.nothing_else();
}

SPEC("v5 messages without an expiry interval do not expire, and are given none") {
    Script s;
    s.client("meter").connects({.clean = false, .session_expiry = 24h * 6}).subscribes("a", qos1).loses_connection();
    s.client("lamp").connects().publishes("a", "1", qos1);
    s.passes(24h * 5);
    s.client("meter").connects(resume).gets(connack().session_present()).gets(publish("a", "1").qos1(1));
    s.nothing_else();
}

SPEC("v5 an expired message makes room in the queue") {
    Script s(v5, [](broker::ShardOptions& options) { options.listeners[0].limits.queue_messages_max = 2; });
    s.client("meter").connects(resume).subscribes("a", qos1).loses_connection();
    s.client("lamp").connects().publishes(publish("a", "1").qos(qos1).with(Id::message_expiry_interval, 5));
    s.client("lamp").publishes(publish("a", "2").qos(qos1).with(Id::message_expiry_interval, 5));
    s.passes(6s);
    s.client("lamp").publishes("a", "3", qos1);
    s.client("meter").connects(resume).gets(connack().session_present()).gets(publish("a", "3").qos(qos1));
    s.nothing_else();
}

SPEC("v5 a request finds its answer: Response Information, Response Topic, Correlation Data") {
    Script s;
    s.client("asker")
        .connects({.request_response_information = 1})
        .gets(connack().with(Id::response_information, "responses/asker"));
    s.client("asker").subscribes("responses/asker/#");
    s.client("server").connects().subscribes("requests");
    s.client("asker").publishes(
        publish("requests", "time?").with(Id::response_topic, "responses/asker/1").with(Id::correlation_data, "42"));
    s.client("server").gets(
        publish("requests", "time?").with(Id::response_topic, "responses/asker/1").with(Id::correlation_data, "42"));
    const auto answer_to = s.client("server").last().text(Id::response_topic);
    s.client("server").publishes(publish(*answer_to, "noon").with(Id::correlation_data, "42"));
    s.client("asker").gets(publish("responses/asker/1", "noon").with(Id::correlation_data, "42"));
    s.nothing_else();
}

}  // namespace ledge::spec
