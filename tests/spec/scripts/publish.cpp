// PUBLISH at QoS 0, and what holds for every QoS: who gets it, with which QoS, flags and properties.
#include "spec.hpp"

#include "ledge/broker/options.hpp"
#include "ledge/session/limits.hpp"

namespace ledge::spec {

SPEC(
    "v3 [MQTT-4.3.1-1] [MQTT-3.3.4-1] [MQTT-2.3.1-5] v5 [MQTT-4.3.1-1] [MQTT-3.3.4-1] [MQTT-2.2.1-2] [MQTT-2.2.2-1] "
    "QoS 0 is delivered once, without id and answer") {
    for (const auto version : every_version) {
        Script s(version);
        s.client("meter").connects().subscribes("a", qos2);
        s.client("lamp").connects().publishes("a", "1").gets_nothing();
        s.client("meter").gets(publish("a", "1"));
        CHECK(!s.client("meter").last().packet_id.has_value());
        s.client("meter").loses_connection();
        s.client("meter").connects();
        s.nothing_else();
    }
}

SPEC(
    "v3 [MQTT-3.8.4-6] [MQTT-3.3.4-1] v5 [MQTT-3.8.4-8] [MQTT-3.3.4-1] delivered with the lower of published and "
    "granted QoS") {
    for (const auto version : every_version) {
        for (const auto granted : every_qos) {
            for (const auto published : every_qos) {
                Script s(version);
                s.client("meter").connects().subscribes("a", granted).acknowledges_automatically();
                s.client("lamp").connects().publishes("a", "1", published);
                s.client("meter").gets(publish("a", "1").qos(std::min(granted, published)));
                s.nothing_else();
            }
        }
    }
}

SPEC("v3 [MQTT-3.3.1-3] [MQTT-3.3.1-2] v5 [MQTT-3.3.1-3] [MQTT-3.3.1-2] DUP of a publisher is not passed on") {
    for (const auto version : every_version) {
        Script s(version);
        s.client("meter").connects().subscribes("a", qos2).acknowledges_automatically();
        s.client("low").connects().subscribes("a", qos0);
        s.client("lamp").connects().publishes(publish("a", "1").qos(qos1).dup());
        s.client("lamp").publishes(publish("a", "2").qos(qos2).dup());
        s.client("meter").gets(publish("a", "1").qos(qos1).dup(false)).gets(publish("a", "2").qos(qos2).dup(false));
        s.client("low").gets(publish("a", "1")).gets(publish("a", "2"));
        s.nothing_else();
    }
}

SPEC("v3 [MQTT-3.3.1-2] v5 [MQTT-3.3.1-2] DUP with QoS 0 is malformed") {
    for (const auto version : standard_versions) {
        Script s(version);
        s.client("meter").connects().subscribes("a");
        s.client("lamp").connects().sends(publish("a", "1").dup()).is_disconnected(ReasonCode::malformed_packet);
        s.nothing_else();
    }
}

SPEC(
    "v3 [MQTT-4.5.0-1] v5 [MQTT-4.5.0-1] a message goes to every session with a matching subscription, and to no "
    "other") {
    for (const auto version : every_version) {
        Script s(version);
        const char* names[] = {"one", "two", "three", "four"};
        for (const char* name : names) s.client(name).connects().subscribes("a/+", qos1).acknowledges_automatically();
        s.client("other").connects().subscribes("b/+", qos1);
        s.client("lamp").connects().publishes("a/b", "1", qos1);
        for (const char* name : names) s.client(name).gets(publish("a/b", "1").qos(qos1));
        s.nothing_else();
    }
}

SPEC("a publisher that is subscribed gets its own message") {
    for (const auto version : every_version) {
        Script s(version);
        s.client("lamp").connects().subscribes("a", qos1).publishes("a", "1", qos1).gets(publish("a", "1").qos1(1));
        s.nothing_else();
    }
}

SPEC("v3 [MQTT-3.3.2-3] v5 [MQTT-3.3.2-3] the topic name arrives as it was sent") {
    for (const auto version : every_version) {
        Script s(version);
        s.client("meter").connects().subscribes("#");
        s.client("lamp").connects();
        for (const char* topic : {"a", "/", "a//b", "/a/", "a b/c", "käse/🧀", "A", "a/$b"}) {
            s.client("lamp").publishes(topic, "x");
            s.client("meter").gets(publish(topic, "x"));
        }
        s.nothing_else();
    }
}

SPEC("payloads of any size and content arrive as they were sent") {
    for (const auto version : every_version) {
        Script s(version);
        s.client("meter").connects().subscribes("a", qos1).acknowledges_automatically();
        s.client("lamp").connects();
        for (const std::size_t size :
             {0U, 1U, 100U, 127U, 128U, 1023U, 1024U, 1025U, 16'383U, 16'384U, 70'000U, 900'000U}) {
            std::string payload(size, '\0');
            for (std::size_t byte = 0; byte < size; ++byte) payload[byte] = static_cast<char>(byte * 31 % 251);
            s.client("lamp").publishes("a", payload, qos1);
            s.client("meter").gets(publish("a", payload).qos(qos1));
        }
        s.nothing_else();
    }
}

SPEC("v3 [MQTT-3.3.1-4] v5 [MQTT-3.3.1-4] QoS 3 closes the connection") {
    for (const auto version : every_version) {
        Script s(version);
        s.client("meter").connects().subscribes("#");
        const std::string properties = version == v5 ? bytes({0}) : std::string();
        s.client("lamp").connects().sends_raw(frame(0x36, text("a") + bytes({0, 1}) + properties + "x"));
        s.client("lamp").is_disconnected(ReasonCode::malformed_packet);
        s.nothing_else();
    }
}

SPEC(
    "v3 [MQTT-3.3.2-2] [MQTT-4.7.1-1] v5 [MQTT-3.3.2-2] [MQTT-4.7.0-1] a topic name with a wildcard closes the "
    "connection") {
    for (const auto version : every_version) {
        for (const char* topic : {"#", "+", "a/#", "a/+/b", "a+", "a#b"}) {
            Script s(version);
            s.client("meter").connects().subscribes("#");
            s.client("lamp").connects().sends(publish(topic, "x")).is_disconnected(ReasonCode::malformed_packet);
            s.nothing_else();
        }
    }
}

SPEC(
    "v3 [MQTT-3.3.2-1] [MQTT-1.5.3-1] [MQTT-1.5.3-2] [MQTT-4.7.3-2] v5 [MQTT-3.3.2-1] [MQTT-1.5.4-1] [MQTT-1.5.4-2] "
    "[MQTT-4.7.3-2] a topic name that is not UTF-8 or holds U+0000 closes the connection") {
    const std::string wrong[] = {"\xff", "a\xc3", "\xed\xbf\xbf", "\xe0\x80\x80", bytes({'a', 0})};
    for (const auto version : every_version) {
        for (const auto& topic : wrong) {
            Script s(version);
            s.client("meter").connects().subscribes("#");
            s.client("lamp").connects().sends(publish(topic, "x")).is_disconnected(ReasonCode::malformed_packet);
            s.nothing_else();
        }
    }
}

SPEC("v3 [MQTT-1.5.3-3] v5 [MQTT-1.5.4-3] a byte order mark in a topic stays, and counts in matching") {
    for (const auto version : every_version) {
        Script s(version);
        s.client("plain").connects().subscribes("a");
        s.client("marked").connects().subscribes(
            "\xef\xbb\xbf"
            "a");
        s.client("lamp").connects().publishes(
            "\xef\xbb\xbf"
            "a",
            "x");
        s.client("marked").gets(
            publish("\xef\xbb\xbf"
                    "a",
                    "x"));
        s.nothing_else();
    }
}

SPEC("v3 [MQTT-4.7.3-1] v5 [MQTT-4.7.3-1] an empty topic name closes the connection") {
    for (const auto version : every_version) {
        Script s(version);
        s.client("meter").connects().subscribes("#");
        const auto code = version == v5 ? ReasonCode::protocol_error : ReasonCode::malformed_packet;
        s.client("lamp").connects().sends(publish("", "x")).is_disconnected(code);
        s.nothing_else();
    }
}

SPEC("v3 [MQTT-2.3.1-1] v5 [MQTT-2.2.1-3] packet id 0 closes the connection") {
    for (const auto version : every_version) {
        for (const auto& packet :
             {publish("a", "1").qos1(0), publish("a", "1").qos2(0), subscribe(0, {"a"}), unsubscribe(0, {"a"})}) {
            Script s(version);
            s.client("meter").connects().subscribes("#");
            s.client("lamp").connects().sends(packet);
            const bool is_closed = s.client("lamp").waiting() <= 1;
            CHECK(is_closed);
            const auto rest = s.client("lamp").takes_all();
            CHECK(rest.size() == (version == v5 ? 1U : 0U));
            if (version == v5) CHECK(rest.at(0).type == PacketType::disconnect);
            s.client("lamp").is_closed();
            s.nothing_else();
        }
    }
}

SPEC("v3 [MQTT-4.7.3-3] v5 [MQTT-4.7.3-3] topic names up to the limit are served, longer ones are not delivered") {
    for (const auto version : standard_versions) {
        Script s(version, [](broker::ShardOptions& options) { options.listeners[0].limits.topic_bytes_max = 65'535; });
        const std::string longest = repeat('x', 65'535);
        s.client("meter").connects().subscribes("#");
        s.client("lamp").connects().publishes(longest, "1");
        s.client("meter").gets(publish(longest, "1"));
        Script limited(version,
                       [](broker::ShardOptions& options) { options.listeners[0].limits.topic_bytes_max = 100; });
        limited.client("meter").connects().subscribes("#");
        limited.client("lamp")
            .connects()
            .publishes(repeat('x', 100), "1")
            .sends(publish(repeat('x', 101), "1").qos1(7));
        if (version == v5)
            limited.client("lamp").gets(puback(7, ReasonCode::topic_name_invalid));
        else
            limited.client("lamp").is_closed();  // a PUBACK would say that the message is safe
        limited.client("meter").gets(publish(repeat('x', 100), "1"));
        limited.nothing_else();
    }
}

SPEC("topics with more levels than allowed are not routed") {
    for (const auto version : standard_versions) {
        Script s(version, [](broker::ShardOptions& options) { options.listeners[0].limits.topic_levels_max = 4; });
        s.client("meter").connects().subscribes("#");
        s.client("lamp").connects().publishes("1/2/3/4", "x").sends(publish("1/2/3/4/5", "x").qos1(7));
        if (version == v5)
            s.client("lamp").gets(puback(7, ReasonCode::topic_name_invalid)).sends(publish("1/2/3/4/5", "x"));
        else
            s.client("lamp").is_closed();  // a PUBACK would say that the message is safe
        s.client("meter").gets(publish("1/2/3/4", "x"));
        s.nothing_else();
    }
}

SPEC("v5 [MQTT-3.4.2-1] [MQTT-3.5.2-1] PUBACK and PUBREC may say that nobody was subscribed") {
    Script s;
    s.client("lamp").connects().sends(publish("a", "1").qos1(1)).gets(puback(1, ReasonCode::no_matching_subscribers));
    s.client("lamp").sends(publish("a", "1").qos2(2)).gets(pubrec(2, ReasonCode::no_matching_subscribers));
    s.client("lamp").sends(pubrel(2)).gets(pubcomp(2));
    s.client("meter").connects().subscribes("a");
    s.client("lamp").sends(publish("a", "1").qos1(3)).gets(puback(3));
    s.client("meter").gets(publish("a", "1"));
    s.nothing_else();
}

SPEC(
    "v5 [MQTT-3.2.2-9] [MQTT-3.2.2-10] [MQTT-3.2.2-11] a lower Maximum QoS is told; subscriptions above it are "
    "accepted") {
    Script s(v5, [](broker::ShardOptions& options) { options.listeners[0].limits.maximum_qos = qos1; });
    s.client("meter").connects().gets(connack().with(Id::maximum_qos, 1));
    s.client("meter").sends(subscribe(1, {{"a", qos2}, {"b", qos1}, {"c", qos0}}));
    s.client("meter").gets(suback(1, {1, 1, 0}));
    s.client("lamp").connects().publishes("a", "1", qos1);
    s.client("meter").gets(publish("a", "1").qos1(1)).acknowledges(1);
    s.client("lamp").sends(publish("a", "2").qos2(9)).is_disconnected(ReasonCode::qos_not_supported);
    s.nothing_else();
}

SPEC("v5 [MQTT-3.2.2-15] [MQTT-3.14.2-1] a packet above the broker's Maximum Packet Size is answered with 0x95") {
    Script s(v5, [](broker::ShardOptions& options) { options.listeners[0].limits.max_packet_size_bytes = 100; });
    s.client("meter").connects().subscribes("a");
    s.client("lamp").connects().publishes("a", repeat('x', 94));  // 2 + 3 + 1 + 94
    s.client("meter").gets(publish("a", repeat('x', 94)));
    s.client("lamp").sends_raw(bytes({0x30}) + variable(99)).is_disconnected(ReasonCode::packet_too_large);
    s.nothing_else();
}

SPEC("a packet above the limit of a 3.x listener closes the connection before its body has come") {
    for (const auto version : versions_3) {
        Script s(version,
                 [](broker::ShardOptions& options) { options.listeners[0].limits.max_packet_size_bytes = 100; });
        s.client("lamp").connects().sends_raw(bytes({0x30}) + variable(1'000'000)).is_closed();
        s.nothing_else();
    }
}

}  // namespace ledge::spec
