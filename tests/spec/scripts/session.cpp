// Sessions: what they keep, how long, and who takes them over.
#include "spec.hpp"

#include "ledge/broker/options.hpp"
#include "ledge/journal/records.hpp"
#include "ledge/session/limits.hpp"

namespace ledge::spec {

namespace {

/// 3.1 has no Session Present flag.
Packet resumed(Version version) { return connack().session_present(version != v31); }

}  // namespace

SPEC(
    "v3 [MQTT-3.1.2-4] [MQTT-3.2.2-2] [MQTT-3.2.2-3] [MQTT-4.1.0-1] v5 [MQTT-3.1.2-5] [MQTT-3.1.2-6] [MQTT-3.2.2-3] "
    "[MQTT-3.1.2-23] a session is made, kept and resumed with its subscriptions") {
    for (const auto version : every_version) {
        Script s(version);
        s.client("meter").connects(resume).gets(connack()).subscribes("a/+", qos1).loses_connection();
        s.client("meter").connects(resume).gets(resumed(version));
        s.client("lamp").connects().publishes("a/b", "on", qos1);
        s.client("meter").gets(publish("a/b", "on").qos1(1)).acknowledges(1);
        s.nothing_else();
    }
}

SPEC(
    "v3 [MQTT-3.1.2-5] [MQTT-4.5.0-1] v5 [MQTT-4.5.0-1] QoS 1 and 2 messages wait for an absent session, QoS 0 does "
    "not") {
    for (const auto version : every_version) {
        Script s(version);
        s.client("meter").connects(resume).subscribes("a/+", qos2).disconnects();
        s.client("lamp").connects();
        for (const auto qos : every_qos) s.client("lamp").publishes("a/b", std::to_string(static_cast<int>(qos)), qos);
        s.client("meter").connects(resume).gets(resumed(version));
        s.client("meter").gets(publish("a/b", "1").qos1(1)).gets(publish("a/b", "2").qos2(2));
        s.nothing_else();
    }
}

SPEC(
    "v3 [MQTT-3.1.2-6] [MQTT-3.1.4-3] [MQTT-3.2.2-1] v5 [MQTT-3.1.2-4] [MQTT-3.1.4-4] [MQTT-3.2.2-2] "
    "clean start discards the session with all that was in it") {
    for (const auto version : every_version) {
        Script s(version);
        s.client("lamp").connects();
        s.client("meter").connects(resume).subscribes("a", qos1);
        s.client("lamp").publishes("a", "in flight", qos1);
        s.client("meter").gets(publish("a", "in flight").qos1(1)).loses_connection();
        s.client("lamp").publishes("a", "waiting", qos1);
        s.client("meter").connects().gets(connack().session_present(false));
        s.client("lamp").publishes("a", "later", qos1);
        s.client("meter").gets_nothing();
        s.nothing_else();
    }
}

SPEC("v3 [MQTT-3.1.2-6] v5 [MQTT-4.1.0-2] a session without expiry ends with its connection") {
    for (const auto version : every_version) {
        Script s(version);
        s.client("meter").connects().subscribes("a", qos1).loses_connection();
        s.client("lamp").connects().publishes("a", "1", qos1);
        s.client("meter").connects(resume).gets(connack().session_present(false));
        s.nothing_else();
    }
}

SPEC("v5 [MQTT-4.1.0-2] [MQTT-3.1.2-23] a session ends when its expiry interval has passed") {
    for (const int absent : {58, 62}) {
        Script s;
        s.client("meter").connects({.clean = false, .session_expiry = 60s}).subscribes("a", qos1).loses_connection();
        s.client("lamp").connects().publishes("a", "1", qos1);
        s.passes(seconds(absent));
        s.client("meter").connects(resume).gets(connack().session_present(absent < 60));
        if (absent < 60) s.client("meter").gets(publish("a", "1").qos1(1)).acknowledges(1);
        s.nothing_else();
    }
}

SPEC("v3 [MQTT-4.1.0-2] v5 [MQTT-4.1.0-1] the expiry interval does not run while the client is connected") {
    for (const auto version : standard_versions) {
        Script s(version, [](broker::ShardOptions& options) { options.listeners[0].limits.session_expiry_v3_s = 60; });
        s.client("meter").connects({.clean = false, .session_expiry = 60s}).subscribes("a", qos1);
        s.passes(10h);
        s.client("lamp").connects().publishes("a", "1", qos1);
        s.client("meter").gets(publish("a", "1").qos1(1)).loses_connection();
        s.passes(58s);
        s.client("meter").connects(resume).gets(connack().session_present()).gets(publish("a", "1").qos1(1).dup());
        s.nothing_else();
    }
}

SPEC("v5 the expiry interval starts anew with every disconnection") {
    Script s;
    for (int round = 0; round < 3; ++round) {
        s.client("meter").connects({.clean = false, .session_expiry = 60s}).gets(connack().session_present(round > 0));
        s.client("meter").loses_connection();
        s.passes(50s);
    }
    s.passes(12s);
    s.client("meter").connects(resume).gets(connack().session_present(false));
    s.nothing_else();
}

SPEC("v5 a session expiry of 0xFFFFFFFF is held for ever, or for the limit that CONNACK tells") {
    Script s;
    s.client("meter").connects({.clean = false, .session_expiry = seconds(0xFFFFFFFFU)});
    s.client("meter").gets(connack().with(Id::session_expiry_interval, 7 * 24 * 3600)).loses_connection();
    s.passes(24h * 7 - 2s);
    s.client("meter").connects(resume).gets(connack().session_present());
    s.nothing_else();
}

SPEC("v5 clean start with an expiry interval makes a session that lasts") {
    Script s;
    s.client("meter")
        .connects({.clean = true, .session_expiry = 60s})
        .gets(connack())
        .subscribes("a", qos1)
        .loses_connection();
    s.client("meter").connects(resume).gets(connack().session_present());
    s.nothing_else();
}

SPEC("v5 a session resumed without an expiry interval ends with that connection") {
    Script s;
    s.client("meter").connects(resume).loses_connection();
    s.client("meter").connects({.clean = false}).gets(connack().session_present()).loses_connection();
    s.client("meter").connects(resume).gets(connack().session_present(false));
    s.nothing_else();
}

SPEC("v5 DISCONNECT can change the expiry interval: shorten it, end the session, lengthen it") {
    const auto leave = [](std::uint32_t expiry) { return disconnect().with(Id::session_expiry_interval, expiry); };
    Script s;
    s.client("meter").connects(resume).disconnects(leave(0));
    s.client("meter").connects(resume).gets(connack().session_present(false)).disconnects(leave(10));
    s.passes(9s);
    s.client("meter")
        .connects({.clean = false, .session_expiry = 10s})
        .gets(connack().session_present())
        .disconnects(leave(100));
    s.passes(98s);
    s.client("meter").connects(resume).gets(connack().session_present()).disconnects(leave(10));
    s.passes(12s);
    s.client("meter").connects(resume).gets(connack().session_present(false));
    s.nothing_else();
}

SPEC("v5 DISCONNECT must not give an expiry interval to a session that had none: protocol error") {
    Script s;
    s.client("watch").connects().subscribes("will");
    s.client("meter").connects({.will = WillMessage{.topic = "will", .payload = "gone"}});
    s.client("meter")
        .sends(disconnect().with(Id::session_expiry_interval, 10))
        .is_disconnected(ReasonCode::protocol_error);
    s.client("watch").gets(publish("will", "gone"));
    s.client("meter").connects({.clean = false, .session_expiry = 0s}).gets(connack());
    s.client("meter")
        .sends(disconnect().with(Id::session_expiry_interval, 10))
        .is_disconnected(ReasonCode::protocol_error);
    s.client("meter").connects().disconnects(disconnect().with(Id::session_expiry_interval, 0));
    s.nothing_else();
}

SPEC(
    "v3 [MQTT-3.1.4-2] v5 [MQTT-3.1.4-3] [MQTT-3.14.2-1] [MQTT-3.14.4-2] the second connection of a client id takes "
    "over") {
    for (const auto version : every_version) {
        Script s(version);
        s.client("meter").connects(resume).subscribes("a", qos1);
        ConnectOptions same = resume;
        same.client_id = "meter";
        s.client("again").connects(same).gets(resumed(version));
        s.client("meter").is_disconnected(ReasonCode::session_taken_over);
        s.client("lamp").connects().publishes("a", "1", qos1);
        s.client("again").gets(publish("a", "1").qos1(1)).acknowledges(1);
        s.nothing_else();
    }
}

SPEC("v3 [MQTT-3.1.4-2] v5 [MQTT-3.1.4-3] takeover of a session without expiry starts anew") {
    for (const auto version : every_version) {
        Script s(version);
        s.client("meter").connects().subscribes("a", qos1);
        s.client("again").connects({.client_id = "meter"}).gets(connack().session_present(false));
        s.client("meter").is_disconnected(ReasonCode::session_taken_over);
        s.client("lamp").connects().publishes("a", "1", qos1);
        s.nothing_else();
    }
}

SPEC("takeover repeats what the first connection has not acknowledged") {
    for (const auto version : every_version) {
        Script s(version);
        s.client("meter").connects(resume).subscribes("a", qos2);
        s.client("lamp").connects().publishes("a", "1", qos1).publishes("a", "2", qos2);
        s.client("meter").gets(publish("a", "1").qos1(1)).gets(publish("a", "2").qos2(2));
        ConnectOptions same = resume;
        same.client_id = "meter";
        s.client("again").connects(same).gets(resumed(version));
        s.client("again").gets(publish("a", "1").qos1(1).dup()).gets(publish("a", "2").qos2(2).dup());
        s.client("meter").is_disconnected(ReasonCode::session_taken_over);
        s.nothing_else();
    }
}

SPEC("a session can be resumed with another version of the protocol") {
    Script s;
    s.client("meter").connects(v311, resume).subscribes("a", qos1).loses_connection();
    s.client("lamp").connects(v5).publishes(publish("a", "1").qos(qos1).user("k", "v"));
    s.client("meter").connects(v5, resume).gets(connack().session_present());
    s.client("meter").gets(publish("a", "1").qos1(1).user("k", "v")).loses_connection();
    s.client("meter").connects(v31, resume).gets(connack()).gets(publish("a", "1").qos1(1).dup()).acknowledges(1);
    s.nothing_else();
}

SPEC("v3 [MQTT-3.1.2-7] retained messages outlive the session that published them") {
    for (const auto version : every_version) {
        Script s(version);
        s.client("lamp").connects().publishes(publish("a", "1").retained()).disconnects();
        s.client("lamp").connects().disconnects();
        s.client("meter").connects().subscribes("a").gets(publish("a", "1").retained());
        s.nothing_else();
    }
}

SPEC("the limit for sessions of 3.x clients holds") {
    Script s(v311, [](broker::ShardOptions& options) { options.listeners[0].limits.session_expiry_v3_s = 100; });
    s.client("meter").connects(resume).disconnects();
    s.passes(98s);
    s.client("meter").connects(resume).gets(connack().session_present()).disconnects();
    s.passes(102s);
    s.client("meter").connects(resume).gets(connack().session_present(false));
    s.nothing_else();
}

SPEC("the received ids of QoS 2 belong to the session: a repetition after reconnecting is not delivered twice") {
    for (const auto version : every_version) {
        Script s(version);
        s.client("watch").connects().subscribes("a");
        s.client("lamp").connects(resume).sends(publish("a", "1").qos2(5)).gets(pubrec(5)).loses_connection();
        s.client("watch").gets(publish("a", "1"));
        s.client("lamp").connects(resume).gets(resumed(version));
        s.client("lamp").sends(publish("a", "1").qos2(5).dup()).gets(pubrec(5)).sends(pubrel(5)).gets(pubcomp(5));
        s.nothing_else();
    }
}

SPEC("the broker says why when it stops, and closes") {
    for (const auto version : every_version) {
        Script s(version);
        s.client("meter").connects(resume).subscribes("a", qos1);
        s.client("nobody").opens(version);
        s.shuts_down();
        s.client("meter").is_disconnected(ReasonCode::server_shutting_down);
        s.client("nobody").is_closed();
        s.nothing_else();
    }
}

}  // namespace ledge::spec
