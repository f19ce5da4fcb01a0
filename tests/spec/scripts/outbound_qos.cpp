// QoS 1 and 2 to a subscriber: ids, acknowledgements, what is repeated when the session resumes, and in which order.
#include "spec.hpp"

namespace ledge::spec {

namespace {

Packet resumed(Version version) { return connack().session_present(version != v31); }

/// A meter with a lasting session subscribed to "a/#" at QoS 2, and a lamp to publish.
void begin(Script& s, ConnectOptions options = resume) {
    s.client("meter").connects(options).subscribes("a/#", qos2);
    s.client("lamp").connects();
}

}  // namespace

SPEC("v3 [MQTT-4.3.2-1] [MQTT-2.3.1-4] v5 [MQTT-4.3.2-1] [MQTT-4.3.2-2] [MQTT-2.2.1-4] QoS 1: an unused id, DUP 0") {
    for (const auto version : every_version) {
        Script s(version);
        begin(s);
        for (int round = 0; round < 5; ++round) s.client("lamp").publishes("a/b", std::to_string(round), qos1);
        std::set<std::uint16_t> ids;
        for (int round = 0; round < 5; ++round) {
            s.client("meter").gets(publish("a/b", std::to_string(round)).qos(qos1));
            ids.insert(*s.client("meter").last().packet_id);
        }
        CHECK(ids.size() == 5);
        CHECK(!ids.contains(0));
        s.nothing_else();
    }
}

SPEC(
    "v3 [MQTT-4.3.2-1] [MQTT-4.4.0-1] [MQTT-3.3.1-1] v5 [MQTT-4.3.2-3] [MQTT-4.4.0-1] [MQTT-3.3.1-1] "
    "QoS 1 without PUBACK is sent again when the session resumes, with its id and DUP") {
    for (const auto version : every_version) {
        Script s(version);
        begin(s);
        s.client("lamp").publishes("a/b", "1", qos1);
        s.client("meter").gets(publish("a/b", "1").qos1(1)).loses_connection();
        s.client("meter")
            .connects(resume)
            .gets(resumed(version))
            .gets(publish("a/b", "1").qos1(1).dup())
            .acknowledges(1);
        s.client("meter").loses_connection();
        s.client("meter").connects(resume).gets(resumed(version));
        s.nothing_else();
    }
}

SPEC("v5 [MQTT-4.4.0-1] nothing is sent again while the connection lasts") {
    for (const auto version : every_version) {
        Script s(version);
        begin(s);
        s.client("lamp").publishes("a/b", "1", qos1).publishes("a/b", "2", qos2);
        s.client("meter").gets(publish("a/b", "1").qos1(1)).gets(publish("a/b", "2").qos2(2)).receives(2);
        s.passes(24h);
        s.nothing_else();
    }
}

SPEC(
    "v3 [MQTT-4.3.3-1] v5 [MQTT-4.3.3-1] [MQTT-4.3.3-2] [MQTT-4.3.3-4] [MQTT-3.6.2-1] QoS 2: PUBLISH, PUBREL after "
    "PUBREC, one id") {
    for (const auto version : every_version) {
        Script s(version);
        begin(s);
        s.client("lamp").publishes("a/b", "1", qos2);
        s.client("meter").gets(publish("a/b", "1").qos2(1)).sends(pubrec(1)).gets(pubrel(1)).sends(pubcomp(1));
        s.nothing_else();
    }
}

SPEC(
    "v3 [MQTT-4.3.3-1] [MQTT-4.4.0-1] v5 [MQTT-4.3.3-3] [MQTT-4.4.0-1] QoS 2 without PUBREC is sent again as PUBLISH") {
    for (const auto version : every_version) {
        Script s(version);
        begin(s);
        s.client("lamp").publishes("a/b", "1", qos2);
        s.client("meter").gets(publish("a/b", "1").qos2(1)).loses_connection();
        s.client("meter").connects(resume).gets(resumed(version)).gets(publish("a/b", "1").qos2(1).dup());
        s.client("meter").receives(1).completes(1);
        s.nothing_else();
    }
}

SPEC(
    "v3 [MQTT-4.3.3-1] [MQTT-4.4.0-1] v5 [MQTT-4.3.3-5] [MQTT-4.3.3-6] [MQTT-4.4.0-1] QoS 2 after PUBREC: only PUBREL "
    "is sent again") {
    for (const auto version : every_version) {
        Script s(version);
        begin(s);
        s.client("lamp").publishes("a/b", "1", qos2);
        s.client("meter").gets(publish("a/b", "1").qos2(1)).receives(1).loses_connection();
        for (int round = 0; round < 3; ++round) {
            s.client("meter").connects(resume).gets(resumed(version)).gets(pubrel(1)).loses_connection();
        }
        s.client("meter").connects(resume).gets(resumed(version)).gets(pubrel(1)).completes(1).loses_connection();
        s.client("meter").connects(resume).gets(resumed(version));
        s.nothing_else();
    }
}

SPEC("a repeated PUBREC is answered with PUBREL again") {
    for (const auto version : every_version) {
        Script s(version);
        begin(s);
        s.client("lamp").publishes("a/b", "1", qos2);
        s.client("meter").gets(publish("a/b", "1").qos2(1)).receives(1).receives(1).completes(1);
        s.nothing_else();
    }
}

SPEC(
    "v3 [MQTT-4.6.0-1] [MQTT-4.6.0-4] v5 [MQTT-4.6.0-1] what is sent again comes in the original order, new messages "
    "after it") {
    for (const auto version : every_version) {
        Script s(version);
        begin(s);
        for (int at = 1; at <= 9; ++at)
            s.client("lamp").publishes("a/b", std::to_string(at), at % 2 == 0 ? qos2 : qos1);
        for (std::uint16_t id = 1; id <= 9; ++id)
            s.client("meter").gets(publish("a/b", std::to_string(id)).qos(id % 2 == 0 ? qos2 : qos1).id(id));
        s.client("meter").acknowledges(3).receives(4).acknowledges(7).loses_connection();
        s.client("lamp").publishes("a/b", "new", qos1);
        s.client("meter").connects(resume).gets(resumed(version));
        for (const std::uint16_t id : PacketIds{1, 2, 4, 5, 6, 8, 9}) {
            const Packet again = publish("a/b", std::to_string(id)).qos(id % 2 == 0 ? qos2 : qos1).id(id).dup();
            s.client("meter").gets(id == 4 ? pubrel(4) : again);
        }
        s.client("meter").gets(publish("a/b", "new").qos(qos1));
        s.nothing_else();
    }
}

SPEC("v3 [MQTT-4.6.0-4] PUBREL goes out in the order of the PUBREC packets") {
    for (const auto version : every_version) {
        Script s(version);
        begin(s);
        for (int at = 1; at <= 4; ++at) s.client("lamp").publishes("a/b", std::to_string(at), qos2);
        for (std::uint16_t id = 1; id <= 4; ++id) s.client("meter").gets(publish("a/b", std::to_string(id)).qos2(id));
        for (const std::uint16_t id : PacketIds{1, 2, 3, 4}) s.client("meter").sends(pubrec(id));
        for (const std::uint16_t id : PacketIds{1, 2, 3, 4}) s.client("meter").gets(pubrel(id));
        s.nothing_else();
    }
}

SPEC("v3 [MQTT-2.3.1-4] v5 [MQTT-2.2.1-4] an id is free again after PUBACK or PUBCOMP, not before") {
    constexpr std::size_t held = 20;
    for (const auto version : standard_versions) {
        Script s(version);
        begin(s);
        std::deque<std::uint16_t> unacknowledged;       // Client::check fails when one of them is given again
        for (int round = 0; round < 70'000; ++round) {  // more than there are ids
            s.client("lamp").sends(publish("a/b", "x").qos1(1)).gets(puback(1));
            s.client("meter").gets(publish("a/b", "x").qos(qos1));
            unacknowledged.push_back(*s.client("meter").last().packet_id);
            if (unacknowledged.size() <= held) continue;
            s.client("meter").acknowledges(unacknowledged.front());
            unacknowledged.pop_front();
        }
        s.nothing_else();
    }
}

SPEC("a message that is never acknowledged is overtaken by 16,383 others; then delivery waits for it") {
    Script s;
    begin(s);
    s.client("lamp").publishes("a/b", "held", qos1);
    s.client("meter").gets(publish("a/b", "held").qos1(1));
    for (std::uint16_t id = 2; id <= 16'384; ++id) {
        s.client("lamp").sends(publish("a/b", "x").qos1(1)).gets(puback(1));
        s.client("meter").gets(publish("a/b", "x").qos1(id)).acknowledges(id);
    }
    s.client("lamp").publishes("a/b", "late", qos1);
    s.client("meter").gets_nothing().acknowledges(1).gets(publish("a/b", "late").qos1(16'385)).acknowledges(16'385);
    s.nothing_else();
}

SPEC("v5 [MQTT-4.4.0-2] PUBACK with an error code settles the message: it is not sent again") {
    Script s;
    begin(s);
    s.client("lamp").publishes("a/b", "1", qos1);
    s.client("meter").gets(publish("a/b", "1").qos1(1)).sends(puback(1, ReasonCode::quota_exceeded)).loses_connection();
    s.client("meter").connects(resume).gets(connack().session_present());
    s.nothing_else();
}

SPEC("v5 [MQTT-4.4.0-2] [MQTT-4.3.3-4] PUBREC with an error code ends the exchange: no PUBREL, not sent again") {
    Script s;
    begin(s);
    s.client("lamp").publishes("a/b", "1", qos2);
    s.client("meter").gets(publish("a/b", "1").qos2(1)).sends(pubrec(1, ReasonCode::unspecified_error)).gets_nothing();
    s.client("meter").loses_connection();
    s.client("meter").connects(resume).gets(connack().session_present());
    s.nothing_else();
}

SPEC("PUBACK for a QoS 2 message, PUBREC for QoS 1, PUBCOMP before PUBREC: protocol errors") {
    struct Case {
        QoS qos;
        Packet answer;
    };
    for (const auto version : standard_versions) {
        for (const auto& [qos, answer] :
             {Case{qos2, puback(1)}, Case{qos1, pubrec(1)}, Case{qos2, pubcomp(1)}, Case{qos1, pubcomp(1)}}) {
            Script s(version);
            begin(s);
            s.client("lamp").publishes("a/b", "1", qos);
            s.client("meter").gets(publish("a/b", "1").qos(qos).id(1)).sends(answer);
            s.client("meter").is_disconnected(ReasonCode::protocol_error);
            s.nothing_else();
        }
    }
}

SPEC("v3 [MQTT-3.10.4-3] v5 [MQTT-3.10.4-3] a delivery that has begun is completed after UNSUBSCRIBE") {
    for (const auto version : every_version) {
        Script s(version);
        begin(s);
        s.client("lamp").publishes("a/b", "1", qos2).publishes("a/b", "2", qos1);
        s.client("meter").gets(publish("a/b", "1").qos2(1)).gets(publish("a/b", "2").qos1(2)).unsubscribes("a/#");
        s.client("meter").receives(1).completes(1).loses_connection();
        s.client("meter")
            .connects(resume)
            .gets(resumed(version))
            .gets(publish("a/b", "2").qos1(2).dup())
            .acknowledges(2);
        s.nothing_else();
    }
}

SPEC("v5 what is sent again keeps its properties") {
    Script s;
    begin(s);
    s.client("lamp").publishes(publish("a/b", "1").qos(qos1).user("k", "v").with(Id::content_type, "text"));
    const Packet expected = publish("a/b", "1").qos1(1).with(Id::content_type, "text").user("k", "v");
    s.client("meter").gets(expected).loses_connection();
    s.client("meter").connects(resume).gets(connack().session_present()).gets(Packet(expected).dup()).acknowledges(1);
    s.nothing_else();
}

SPEC("v5 a session that resumes with a smaller Receive Maximum gets no more than that at a time") {
    Script s;
    begin(s);
    for (int at = 1; at <= 5; ++at) s.client("lamp").publishes("a/b", std::to_string(at), qos1);
    for (std::uint16_t id = 1; id <= 5; ++id) s.client("meter").gets(publish("a/b", std::to_string(id)).qos1(id));
    s.client("meter").loses_connection();
    ConnectOptions narrow = resume;
    narrow.receive_maximum = 2;
    s.client("meter").connects(narrow).gets(connack().session_present());
    s.client("meter").gets(publish("a/b", "1").qos1(1).dup()).gets(publish("a/b", "2").qos1(2).dup()).gets_nothing();
    for (std::uint16_t id = 1; id <= 3; ++id) {
        const auto next = static_cast<std::uint16_t>(id + 2);
        s.client("meter").acknowledges(id).gets(publish("a/b", std::to_string(next)).qos1(next).dup());
    }
    s.client("meter").acknowledges(4).acknowledges(5);
    s.nothing_else();
}

}  // namespace ledge::spec
