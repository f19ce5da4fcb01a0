// The will: when it is published, when it is not, and as what.
#include "spec.hpp"

#include "ledge/broker/options.hpp"
#include "ledge/journal/records.hpp"
#include "ledge/session/limits.hpp"

namespace ledge::spec {

namespace {

const WillMessage last_words{.topic = "will", .payload = "gone"};

WillMessage delayed(std::uint32_t delay_s) {
    WillMessage will = last_words;
    will.properties.push_back(property(Id::will_delay_interval, delay_s));
    return will;
}

/// A watcher of "will" and a meter that leaves a will.
void begin(Script& s, const ConnectOptions& options) {
    s.client("watch").connects().subscribes("will", qos2).acknowledges_automatically();
    s.client("meter").connects(options);
}

}  // namespace

SPEC("v3 [MQTT-3.1.2-8] v5 [MQTT-3.1.2-7] [MQTT-3.1.2-8] the will is published when the connection breaks") {
    for (const auto version : every_version) {
        Script s(version);
        begin(s, {.will = last_words});
        s.client("watch").gets_nothing();
        s.client("meter").loses_connection();
        s.client("watch").gets(publish("will", "gone"));
        s.nothing_else();
    }
}

SPEC("v3 [MQTT-3.1.2-12] no will, nothing is published") {
    for (const auto version : every_version) {
        Script s(version);
        begin(s, {});
        s.client("meter").loses_connection();
        s.passes(1h);
        s.nothing_else();
    }
}

SPEC("v3 [MQTT-3.1.2-10] [MQTT-3.14.4-3] v5 [MQTT-3.1.2-10] [MQTT-3.14.4-3] DISCONNECT discards the will") {
    for (const auto version : every_version) {
        Script s(version);
        begin(s, {.session_expiry = version == v5 ? std::optional(60s) : std::nullopt, .will = last_words});
        s.client("meter").disconnects();
        s.passes(1h);
        s.nothing_else();
    }
}

SPEC("v5 [MQTT-3.1.2-8] DISCONNECT with 0x04 or an error code publishes the will") {
    for (const auto code :
         {ReasonCode::disconnect_with_will, ReasonCode::unspecified_error, ReasonCode::quota_exceeded}) {
        Script s;
        begin(s, {.will = last_words});
        s.client("meter").disconnects(code);
        s.client("watch").gets(publish("will", "gone"));
        s.nothing_else();
    }
}

SPEC("v5 DISCONNECT with 0x04 respects the will delay") {
    Script s;
    begin(s, {.session_expiry = 60s, .will = delayed(10)});
    s.client("meter").disconnects(ReasonCode::disconnect_with_will);
    s.passes(9s);
    s.client("watch").gets_nothing();
    s.passes(2s);
    s.client("watch").gets(publish("will", "gone"));
    s.nothing_else();
}

SPEC("v5 [MQTT-3.1.2-8] DISCONNECT with 0x04 that also ends the session publishes a delayed will at once") {
    Script s;
    begin(s, {.session_expiry = 60s, .will = delayed(30)});
    s.client("meter").disconnects(disconnect(ReasonCode::disconnect_with_will).with(Id::session_expiry_interval, 0));
    s.client("watch").gets(publish("will", "gone"));
    s.client("meter").connects(resume).gets(connack().session_present(false));
    s.passes(1h);
    s.nothing_else();
}

SPEC("a connection that the broker closes for an error publishes the will") {
    for (const auto version : every_version) {
        Script s(version);
        begin(s, {.will = last_words});
        s.client("meter").sends_raw(encode_connect(version, "meter", {})).is_disconnected(ReasonCode::protocol_error);
        s.client("watch").gets(publish("will", "gone"));
        s.nothing_else();
    }
}

SPEC("v3 [MQTT-3.1.2-10] v5 [MQTT-3.1.2-10] the will is published once") {
    for (const auto version : standard_versions) {
        Script s(version);
        ConnectOptions with_will = resume;
        with_will.will = last_words;
        begin(s, with_will);
        s.client("meter").loses_connection();
        s.client("watch").gets(publish("will", "gone"));
        s.client("meter").connects(resume).gets(connack().session_present()).loses_connection();
        s.passes(24h * 8);
        s.nothing_else();
    }
}

SPEC("v5 [MQTT-3.1.2-8] a delayed will waits for its time") {
    Script s;
    begin(s, {.session_expiry = 3600s, .will = delayed(30)});
    s.client("meter").loses_connection();
    s.passes(29s);
    s.client("watch").gets_nothing();
    s.passes(2s);
    s.client("watch").gets(publish("will", "gone"));
    s.passes(24h);
    s.nothing_else();
}

SPEC("v5 [MQTT-3.1.2-8] the end of the session publishes the will before its delay is over") {
    Script s;
    begin(s, {.session_expiry = 10s, .will = delayed(30)});
    s.client("meter").loses_connection();
    s.passes(9s);
    s.client("watch").gets_nothing();
    s.passes(2s);
    s.client("watch").gets(publish("will", "gone"));
    s.passes(1h);
    s.nothing_else();
}

SPEC("v5 [MQTT-3.1.2-8] a session that ends with its connection does not delay the will") {
    Script s;
    begin(s, {.will = delayed(30)});
    s.client("meter").loses_connection();
    s.client("watch").gets(publish("will", "gone"));
    s.passes(1h);
    s.nothing_else();
}

SPEC("v5 [MQTT-3.1.3-9] a client that comes back within the delay takes its will along") {
    Script s;
    ConnectOptions with_will = resume;
    with_will.will = delayed(30);
    begin(s, with_will);
    s.client("meter").loses_connection();
    s.passes(29s);
    s.client("meter").connects(resume).gets(connack().session_present());
    s.passes(1h);
    s.nothing_else();
}

SPEC("v5 [MQTT-3.1.3-9] a client that comes back leaves a new will") {
    Script s;
    ConnectOptions first = resume;
    first.will = delayed(30);
    ConnectOptions second = resume;
    second.will = WillMessage{.topic = "will", .payload = "second"};
    begin(s, first);
    s.client("meter").loses_connection();
    s.passes(10s);
    s.client("meter").connects(second).gets(connack().session_present()).loses_connection();
    s.client("watch").gets(publish("will", "second"));
    s.passes(1h);
    s.nothing_else();
}

SPEC("v5 [MQTT-3.1.2-8] clean start within the delay ends the session and so publishes its will") {
    Script s;
    ConnectOptions with_will = resume;
    with_will.will = delayed(30);
    begin(s, with_will);
    s.client("meter").loses_connection();
    s.passes(10s);
    s.client("meter").connects();
    s.client("watch").gets(publish("will", "gone"));
    s.passes(1h);
    s.nothing_else();
}

SPEC("v5 takeover: a will without delay is published, a delayed one is not when the session goes on") {
    Script s;
    ConnectOptions at_once = resume;
    at_once.will = last_words;
    begin(s, at_once);
    s.client("second").connects({.client_id = "meter", .clean = false, .session_expiry = 60s, .will = delayed(30)});
    s.client("meter").is_disconnected(ReasonCode::session_taken_over);
    s.client("watch").gets(publish("will", "gone"));
    s.client("third").connects({.client_id = "meter", .clean = false, .session_expiry = 60s});
    s.client("second").is_disconnected(ReasonCode::session_taken_over);
    s.passes(1h);
    s.nothing_else();
}

SPEC("v5 takeover with clean start publishes even a delayed will: the session has ended") {
    Script s;
    ConnectOptions with_will = resume;
    with_will.will = delayed(30);
    begin(s, with_will);
    s.client("second").connects({.client_id = "meter"}).gets(connack());
    s.client("meter").is_disconnected(ReasonCode::session_taken_over);
    s.client("watch").gets(publish("will", "gone"));
    s.passes(1h);
    s.nothing_else();
}

SPEC("v3 [MQTT-3.1.2-8] v3 takeover publishes the will of the first connection") {
    for (const auto version : versions_3) {
        Script s(version);
        begin(s, {.will = last_words});
        s.client("second").connects({.client_id = "meter"});
        s.client("meter").is_closed();
        s.client("watch").gets(publish("will", "gone"));
        s.nothing_else();
    }
}

SPEC("v3 [MQTT-3.1.2-16] [MQTT-3.1.2-17] v5 [MQTT-3.1.2-14] [MQTT-3.1.2-15] a will is retained if it says so") {
    for (const auto version : every_version) {
        for (const bool retain : {false, true}) {
            Script s(version);
            begin(s, {.will = WillMessage{.topic = "will", .payload = "gone", .retain = retain}});
            s.client("meter").loses_connection();
            s.client("watch").gets(publish("will", "gone"));
            s.client("late").connects().subscribes("will");
            if (retain) s.client("late").gets(publish("will", "gone").retained());
            s.nothing_else();
        }
    }
}

SPEC("the will has the QoS it was given, as far as the subscription allows") {
    for (const auto version : every_version) {
        for (const auto qos : every_qos) {
            Script s(version);
            s.client("low").connects().subscribes("will", qos0);
            begin(s, {.will = WillMessage{.topic = "will", .payload = "gone", .qos = qos}});
            s.client("meter").loses_connection();
            s.client("watch").gets(publish("will", "gone").qos(qos));
            s.client("low").gets(publish("will", "gone"));
            s.nothing_else();
        }
    }
}

SPEC("v5 [MQTT-3.1.3-10] the properties of the will are those of the publication, in their order") {
    Script s;
    WillMessage will = delayed(5);
    will.properties.push_back(property(Id::payload_format_indicator, 1));
    will.properties.push_back(property(Id::content_type, "text/plain"));
    will.properties.push_back(property(Id::response_topic, "answers"));
    will.properties.push_back(property(Id::correlation_data, bytes({0, 1, 255})));
    will.properties.push_back({Id::user_property, 0, "1", "b"});
    will.properties.push_back({Id::user_property, 0, "2", "a"});
    will.properties.push_back({Id::user_property, 0, "3", "b"});
    begin(s, {.session_expiry = 60s, .will = will});
    s.client("meter").loses_connection();
    s.passes(6s);
    s.client("watch").gets(publish("will", "gone")
                               .with(Id::payload_format_indicator, 1)
                               .with(Id::content_type, "text/plain")
                               .with(Id::response_topic, "answers")
                               .with(Id::correlation_data, bytes({0, 1, 255}))
                               .user("b", "1")
                               .user("a", "2")
                               .user("b", "3"));
    s.nothing_else();
}

SPEC("v5 the message expiry of a will counts from its publication") {
    Script s;
    WillMessage will = delayed(20);
    will.properties.push_back(property(Id::message_expiry_interval, 10));
    begin(s, {.session_expiry = 60s, .will = will});
    s.client("meter").loses_connection();
    s.passes(21s);
    s.client("watch").gets(publish("will", "gone").with(Id::message_expiry_interval, 10));
    s.nothing_else();
}

SPEC("a will reaches absent sessions too") {
    for (const auto version : every_version) {
        Script s(version);
        s.client("watch").connects(resume).subscribes("will", qos1).disconnects();
        s.client("meter")
            .connects({.will = WillMessage{.topic = "will", .payload = "gone", .qos = qos1}})
            .loses_connection();
        s.client("watch").connects(resume).gets(connack().session_present(version != v31));
        s.client("watch").gets(publish("will", "gone").qos1(1)).acknowledges(1);
        s.nothing_else();
    }
}

SPEC("a will may be empty, and then clears a retained message") {
    for (const auto version : standard_versions) {
        Script s(version);
        s.client("lamp").connects().publishes(publish("will", "here").retained());
        s.client("meter").connects({.will = WillMessage{.topic = "will", .retain = true}}).loses_connection();
        s.client("late").connects().subscribes("will");
        s.nothing_else();
    }
}

SPEC("v5 [MQTT-3.2.2-12] a will above Maximum QoS is rejected with 0x9B") {
    Script s(v5, [](broker::ShardOptions& options) { options.listeners[0].limits.maximum_qos = qos1; });
    s.client("meter")
        .connects({.will = WillMessage{.topic = "t", .qos = qos2}})
        .is_refused(ReasonCode::qos_not_supported);
    s.client("lamp").connects({.will = WillMessage{.topic = "t", .qos = qos1}}).gets(connack());
    s.nothing_else();
}

SPEC("v5 [MQTT-3.2.2-13] a retained will is rejected with 0x9A where retain is not available") {
    Script s(v5, [](broker::ShardOptions& options) { options.listeners[0].limits.retain_available = false; });
    s.client("meter").connects({.will = WillMessage{.topic = "t", .retain = true}});
    s.client("meter").is_refused(ReasonCode::retain_not_supported);
    s.nothing_else();
}

SPEC("v5 properties that no will has are malformed") {
    for (const auto id : {Id::session_expiry_interval, Id::topic_alias, Id::receive_maximum}) {
        Script s;
        WillMessage will = last_words;
        will.properties.push_back(property(id, 1));
        s.client("meter").connects({.will = will}).is_refused(ReasonCode::malformed_packet);
        s.nothing_else();
    }
}

SPEC("wills are not published when the broker stops: the clients will come back") {
    for (const auto version : standard_versions) {
        Script s(version);
        begin(s, {.will = last_words});
        s.shuts_down();
        s.client("meter").is_disconnected(ReasonCode::server_shutting_down);
        s.client("watch").is_disconnected(ReasonCode::server_shutting_down);
        s.nothing_else();
    }
}

}  // namespace ledge::spec
