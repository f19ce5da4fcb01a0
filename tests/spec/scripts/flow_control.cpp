// Receive Maximum of the client, its Maximum Packet Size, and readers that are slow.
#include "spec.hpp"

#include "ledge/broker/options.hpp"
#include "ledge/session/limits.hpp"

namespace ledge::spec {

SPEC(
    "v5 [MQTT-3.3.4-9] [MQTT-4.9.0-1] [MQTT-4.9.0-2] no more QoS 1 and 2 messages than the client's Receive Maximum at "
    "a time") {
    for (const std::uint32_t maximum : {1U, 2U, 10U}) {
        Script s;
        s.client("meter").connects({.receive_maximum = maximum}).subscribes("a", qos2);
        s.client("lamp").connects();
        for (int at = 1; at <= 20; ++at) s.client("lamp").publishes("a", std::to_string(at), at % 2 == 0 ? qos2 : qos1);
        for (std::uint16_t id = 1; id <= 20; ++id) {
            CHECK(s.client("meter").waiting() == std::min<std::size_t>(maximum, 21U - id));
            s.client("meter").gets(publish("a", std::to_string(id)).qos(id % 2 == 0 ? qos2 : qos1).id(id));
            if (id % 2 == 0) {
                s.client("meter").sends(pubrec(id)).gets_in_any_order({pubrel(id)}).completes(id);
            } else {
                s.client("meter").acknowledges(id);
            }
        }
        s.nothing_else();
    }
}

SPEC("v5 [MQTT-3.3.4-9] PUBREC does not free the quota, PUBCOMP does, and so does PUBREC with an error") {
    Script s;
    s.client("meter").connects({.receive_maximum = 1}).subscribes("a", qos2);
    s.client("lamp").connects().publishes("a", "1", qos2).publishes("a", "2", qos2).publishes("a", "3", qos2);
    s.client("meter").gets(publish("a", "1").qos2(1)).sends(pubrec(1)).gets(pubrel(1)).gets_nothing();
    s.client("meter").completes(1).gets(publish("a", "2").qos2(2)).gets_nothing();
    s.client("meter").sends(pubrec(2, ReasonCode::unspecified_error)).gets(publish("a", "3").qos2(3));
    s.nothing_else();
}

SPEC("v5 [MQTT-3.3.4-10] [MQTT-4.9.0-3] without quota everything but QoS 1 and 2 goes on") {
    Script s;
    s.client("lamp").connects().publishes(publish("kept", "x").retained());
    s.client("meter").connects({.receive_maximum = 1}).subscribes("a", qos1);
    s.client("lamp").publishes("a", "1", qos1).publishes("a", "2", qos1);
    s.client("meter").gets(publish("a", "1").qos1(1)).pings();
    s.client("lamp").publishes("a", "qos 0");
    s.client("meter").gets(publish("a", "qos 0")).subscribes("b").unsubscribes("b");
    s.client("meter").publishes("b", "x", qos1).publishes("b", "x", qos2).subscribes("kept");
    s.client("meter").acknowledges(1).gets_in_any_order({publish("a", "2").qos1(2), publish("kept", "x").retained()});
    s.nothing_else();
}

SPEC("v5 Receive Maximum belongs to the connection: the quota is whole again after a reconnection") {
    Script s;
    ConnectOptions options = resume;
    options.receive_maximum = 2;
    s.client("meter").connects(options).subscribes("a", qos1);
    s.client("lamp").connects();
    for (int at = 1; at <= 4; ++at) s.client("lamp").publishes("a", std::to_string(at), qos1);
    s.client("meter").gets(publish("a", "1").qos1(1)).gets(publish("a", "2").qos1(2)).loses_connection();
    options.receive_maximum = 3;
    s.client("meter").connects(options).gets(connack().session_present());
    s.client("meter")
        .gets(publish("a", "1").qos1(1).dup())
        .gets(publish("a", "2").qos1(2).dup())
        .gets(publish("a", "3").qos1(3));
    s.nothing_else();
}

SPEC("3.x clients get as many at a time as the broker's own window allows") {
    for (const auto version : versions_3) {
        Script s(version, [](broker::ShardOptions& options) { options.listeners[0].limits.inflight_max = 5; });
        s.client("meter").connects().subscribes("a", qos1);
        s.client("lamp").connects();
        for (int at = 1; at <= 8; ++at) s.client("lamp").publishes("a", std::to_string(at), qos1);
        for (std::uint16_t id = 1; id <= 5; ++id) s.client("meter").gets(publish("a", std::to_string(id)).qos1(id));
        s.client("meter").gets_nothing().acknowledges(2).gets(publish("a", "6").qos1(6)).gets_nothing();
        s.nothing_else();
    }
}

SPEC("v5 [MQTT-3.1.2-24] [MQTT-3.1.2-25] a message too large for a client is dropped for it and counts as sent") {
    for (const auto qos : every_qos) {
        Script s;
        s.client("small")
            .connects({.receive_maximum = 1, .maximum_packet_size = 60})
            .subscribes("a", qos2)
            .acknowledges_automatically();
        s.client("large").connects().subscribes("a", qos2).acknowledges_automatically();
        s.client("lamp").connects();
        for (int at = 0; at < 3; ++at)
            s.client("lamp").publishes("a", repeat('x', 70), qos).publishes("a", "fits", qos);
        for (int at = 0; at < 3; ++at) {
            s.client("large").gets(publish("a", repeat('x', 70)).qos(qos)).gets(publish("a", "fits").qos(qos));
            s.client("small").gets(publish("a", "fits").qos(qos));
        }
        s.nothing_else();
    }
}

SPEC(
    "v5 [MQTT-3.1.2-24] Maximum Packet Size counts the whole packet: exactly that much is sent, one byte more is not") {
    for (const std::size_t header : {6U, 8U}) {  // fixed header 2, topic 3, property length 1; packet id 2
        const QoS qos = header == 6 ? qos0 : qos1;
        Script s;
        s.client("meter").connects({.maximum_packet_size = 100}).subscribes("a", qos1).acknowledges_automatically();
        s.client("lamp")
            .connects()
            .publishes("a", repeat('x', 100 - header), qos)
            .publishes("a", repeat('y', 101 - header), qos);
        s.client("meter").gets(publish("a", repeat('x', 100 - header)).qos(qos));
        s.nothing_else();
    }
}

SPEC("v5 [MQTT-3.1.2-25] properties count too, and waiting and retained messages are dropped the same way") {
    Script s;
    ConnectOptions small = resume;
    small.maximum_packet_size = 60;
    s.client("meter").connects(resume).subscribes("a", qos1).loses_connection();
    s.client("lamp").connects().publishes(publish("a", "1").qos(qos1).user("key", repeat('v', 60)));
    s.client("lamp").publishes(publish("b", repeat('x', 100)).retained()).publishes("a", "2", qos1);
    s.client("meter").connects(small).gets(connack().session_present()).gets(publish("a", "2").qos(qos1));
    s.client("meter")
        .subscribes("b")
        .gets_nothing()
        .acknowledges(*s.client("meter").last().packet_id)
        .loses_connection();
    s.client("meter").connects(resume).gets(connack().session_present());
    s.nothing_else();
}

SPEC("v5 [MQTT-3.2.2-19] [MQTT-3.14.2-3] Reason Strings are left out where they do not fit") {
    Script s;
    s.client("meter").connects({.client_id = repeat('x', 1025), .maximum_packet_size = 20});
    s.client("meter").is_refused(ReasonCode::client_identifier_not_valid);
    s.client("lamp")
        .connects({.maximum_packet_size = 40})
        .sends(publish("a", "1").with(Id::subscription_identifier, 1));
    s.client("lamp").is_disconnected(ReasonCode::protocol_error);
    s.nothing_else();
}

SPEC(
    "v5 [MQTT-3.4.2-2] [MQTT-3.5.2-2] [MQTT-3.6.2-2] [MQTT-3.7.2-2] [MQTT-3.9.2-1] [MQTT-3.11.2-1] acknowledgements "
    "stay small") {
    Script s(v5, [](broker::ShardOptions& options) { options.listeners[0].limits.topic_levels_max = 3; });
    s.client("meter").connects({.maximum_packet_size = 24});
    const std::string prefix = "1/2/3/4";
    s.client("meter").sends(publish(prefix, "1").qos1(1)).gets(puback(1, ReasonCode::topic_name_invalid));
    s.client("meter").sends(publish(prefix, "1").qos2(2)).gets(pubrec(2, ReasonCode::topic_name_invalid));
    s.client("meter").sends(pubrel(3)).gets(pubcomp(3, ReasonCode::packet_identifier_not_found));
    s.client("meter").sends(pubrec(4)).gets(pubrel(4, ReasonCode::packet_identifier_not_found));
    s.client("meter").sends(subscribe(5, {Filter(prefix)})).gets(suback(5, {0x8F}));
    s.client("meter").sends(unsubscribe(6, {Filter(prefix)})).gets(unsuback(6, {0x11}));
    s.nothing_else();
}

SPEC(
    "v5 [MQTT-3.1.2-29] a client that does not want problem information gets it in CONNACK, DISCONNECT and PUBLISH at "
    "most") {
    Script s;
    const ConnectOptions quiet{.request_problem_information = 0};
    s.client("lamp").connects(quiet).sends(publish("$SYS/x", "1").qos1(1)).gets(puback(1, ReasonCode::not_authorized));
    s.client("lamp").sends(publish("$SYS/x", "1").qos2(2)).gets(pubrec(2, ReasonCode::not_authorized));
    s.client("lamp").sends(pubrel(9)).gets(pubcomp(9, ReasonCode::packet_identifier_not_found));
    s.client("lamp").sends(pubrec(9)).gets(pubrel(9, ReasonCode::packet_identifier_not_found));
    s.client("lamp").sends(unsubscribe(3, {"x"})).gets(unsuback(3, {0x11}));
    s.client("lamp").subscribes("a").publishes(publish("a", "x").user("k", "v")).gets(publish("a", "x").user("k", "v"));
    s.nothing_else();
}

SPEC("QoS 0 to a reader that is too slow is dropped; QoS 1 waits; control packets always come") {
    for (const auto version : every_version) {
        Script s(version, [](broker::ShardOptions& options) { options.listeners[0].limits.outbox_bytes_max = 20'000; });
        s.client("slow").connects().subscribes("a", qos1).pings().stops_reading().acknowledges_automatically();
        s.client("quick").connects().subscribes("a", qos0);
        s.client("lamp").connects();
        for (int at = 0; at < 100; ++at) {
            s.client("lamp").publishes("a", repeat('0', 1000)).publishes("a", "1", qos1);
            s.client("quick").gets(publish("a", repeat('0', 1000))).gets(publish("a", "1"));
        }
        s.client("slow").sends(pingreq()).sends(publish("b", "x").qos1(1)).reads_again();
        std::size_t counts[2] = {0, 0};
        bool has_pingresp = false;
        bool has_puback = false;
        for (const auto& packet : s.client("slow").takes_all()) {
            if (packet.type == PacketType::publish) ++counts[static_cast<std::size_t>(packet.qos_level)];
            has_pingresp = has_pingresp || packet.type == PacketType::pingresp;
            has_puback = has_puback || packet.type == PacketType::puback;
        }
        CHECK(counts[0] < 40);
        CHECK(counts[0] > 5);
        CHECK(counts[1] == 100);
        CHECK(has_pingresp);
        CHECK(has_puback);
        s.nothing_else();
    }
}

SPEC("a full queue drops what the policy says: the newest, the oldest, or the publisher is told 0x97") {
    const auto fill = [](Script& s) {
        s.client("meter").connects(resume).subscribes("a", qos1).loses_connection();
        s.client("lamp").connects();
        for (std::uint16_t id = 1; id <= 5; ++id) s.client("lamp").sends(publish("a", std::to_string(id)).qos1(id));
    };
    Script newest(v5, [](broker::ShardOptions& options) { options.listeners[0].limits.queue_messages_max = 3; });
    fill(newest);
    for (std::uint16_t id = 1; id <= 5; ++id) newest.client("lamp").gets(puback(id));
    newest.client("meter").connects(resume).gets(connack().session_present());
    for (std::uint16_t id = 1; id <= 3; ++id) newest.client("meter").gets(publish("a", std::to_string(id)).qos1(id));
    newest.nothing_else();

    Script oldest(v5, [](broker::ShardOptions& options) {
        options.listeners[0].limits.queue_messages_max = 3;
        options.listeners[0].limits.overflow = session::OverflowPolicy::drop_oldest;
    });
    fill(oldest);
    for (std::uint16_t id = 1; id <= 5; ++id) oldest.client("lamp").gets(puback(id));
    oldest.client("meter").connects(resume).gets(connack().session_present());
    for (std::uint16_t id = 3; id <= 5; ++id) oldest.client("meter").gets(publish("a", std::to_string(id)).qos(qos1));
    oldest.nothing_else();

    Script refusing(v5, [](broker::ShardOptions& options) {
        options.listeners[0].limits.queue_messages_max = 3;
        options.listeners[0].limits.overflow = session::OverflowPolicy::refuse;
    });
    fill(refusing);
    for (std::uint16_t id = 1; id <= 3; ++id) refusing.client("lamp").gets(puback(id));
    for (std::uint16_t id = 4; id <= 5; ++id) refusing.client("lamp").gets(puback(id, ReasonCode::quota_exceeded));
    refusing.client("meter").connects(resume).gets(connack().session_present());
    for (std::uint16_t id = 1; id <= 3; ++id) refusing.client("meter").gets(publish("a", std::to_string(id)).qos1(id));
    refusing.nothing_else();
}

SPEC("v3 [MQTT-4.8.0-2] a 3.x publisher whose message is refused is closed: it has no other way to learn of it") {
    Script s(v311, [](broker::ShardOptions& options) {
        options.listeners[0].limits.queue_messages_max = 1;
        options.listeners[0].limits.overflow = session::OverflowPolicy::refuse;
    });
    s.client("meter").connects(resume).subscribes("a", qos1).loses_connection();
    s.client("lamp").connects().publishes("a", "1", qos1).sends(publish("a", "2").qos1(9)).is_closed();
    s.nothing_else();
}

}  // namespace ledge::spec
