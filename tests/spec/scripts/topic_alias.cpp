// Topic aliases, both ways.
#include "spec.hpp"

#include "ledge/broker/options.hpp"
#include "ledge/session/limits.hpp"

namespace ledge::spec {

namespace {

Packet aliased(std::string_view topic, std::string_view payload, std::uint32_t alias) {
    return publish(topic, payload).with(Id::topic_alias, alias);
}

}  // namespace

SPEC("v5 [MQTT-3.3.2-12] an alias stands for the topic it was sent with, until it is given another") {
    Script s;
    s.client("meter").connects().subscribes("#", qos1).acknowledges_automatically();
    s.client("lamp").connects().publishes(aliased("a", "1", 1)).publishes(aliased("b", "2", 64));
    s.client("lamp")
        .publishes(aliased("", "3", 1))
        .publishes(aliased("", "4", 64).qos(qos1))
        .publishes(aliased("c", "5", 1));
    s.client("lamp").publishes(aliased("", "6", 1).qos(qos2)).publishes(aliased("", "7", 64));
    s.client("meter")
        .gets(publish("a", "1"))
        .gets(publish("b", "2"))
        .gets(publish("a", "3"))
        .gets(publish("b", "4").qos(qos1));
    s.client("meter").gets(publish("c", "5")).gets(publish("c", "6").qos(qos1)).gets(publish("b", "7"));
    s.nothing_else();
}

SPEC("v5 [MQTT-3.3.2-12] all aliases up to Topic Alias Maximum can be used") {
    Script s;
    s.client("meter").connects().subscribes("#");
    s.client("lamp").connects().gets(connack().with(Id::topic_alias_maximum, 64));
    for (std::uint32_t alias = 1; alias <= 64; ++alias)
        s.client("lamp").publishes(aliased("t/" + std::to_string(alias), "x", alias));
    for (std::uint32_t alias = 64; alias >= 1; --alias) s.client("lamp").publishes(aliased("", "y", alias));
    for (std::uint32_t alias = 1; alias <= 64; ++alias)
        s.client("meter").gets(publish("t/" + std::to_string(alias), "x"));
    for (std::uint32_t alias = 64; alias >= 1; --alias)
        s.client("meter").gets(publish("t/" + std::to_string(alias), "y"));
    s.nothing_else();
}

SPEC("v5 [MQTT-3.3.2-8] [MQTT-3.3.2-9] [MQTT-3.2.2-17] alias 0 and aliases above the maximum: 0x94") {
    for (const std::uint32_t alias : {0U, 65U, 65'535U}) {
        for (const char* topic : {"a", ""}) {
            Script s;
            s.client("meter").connects().subscribes("#");
            s.client("lamp")
                .connects()
                .sends(aliased(topic, "1", alias))
                .is_disconnected(ReasonCode::topic_alias_invalid);
            s.nothing_else();
        }
    }
}

SPEC("v5 [MQTT-3.2.2-18] no alias at all where the maximum is 0") {
    Script s(v5, [](broker::ShardOptions& options) { options.listeners[0].limits.topic_alias_max_in = 0; });
    s.client("lamp").connects().sends(aliased("a", "1", 1)).is_disconnected(ReasonCode::topic_alias_invalid);
    s.nothing_else();
}

SPEC("v5 an alias that was never set is a protocol error") {
    Script s;
    s.client("meter").connects().subscribes("#");
    s.client("lamp").connects().sends(aliased("", "1", 3)).is_disconnected(ReasonCode::protocol_error);
    s.nothing_else();
}

SPEC("v5 [MQTT-3.3.2-7] an alias ends with the connection, even if the session goes on") {
    Script s;
    s.client("meter").connects().subscribes("#");
    s.client("lamp").connects(resume).publishes(aliased("a", "1", 1)).loses_connection();
    s.client("lamp").connects(resume).gets(connack().session_present());
    s.client("lamp").sends(aliased("", "2", 1)).is_disconnected(ReasonCode::protocol_error);
    s.client("meter").gets(publish("a", "1"));
    s.nothing_else();
}

SPEC("v5 aliases of one client mean nothing for another") {
    Script s;
    s.client("meter").connects().subscribes("#");
    s.client("lamp").connects().publishes(aliased("a", "1", 1));
    s.client("bulb").connects().publishes(aliased("b", "2", 1));
    s.client("lamp").publishes(aliased("", "3", 1));
    s.client("bulb").publishes(aliased("", "4", 1));
    s.client("meter").gets(publish("a", "1")).gets(publish("b", "2")).gets(publish("a", "3")).gets(publish("b", "4"));
    s.nothing_else();
}

SPEC("v5 a publisher's alias is not passed on; retained, waiting and repeated messages know their topic") {
    Script s;
    s.client("absent").connects(resume).subscribes("a", qos1).loses_connection();
    s.client("lamp").connects().publishes(aliased("a", "1", 1)).publishes(aliased("", "2", 1).qos(qos1).retained());
    s.client("late").connects().subscribes("a").gets(publish("a", "2").retained());
    s.client("absent")
        .connects(resume)
        .gets(connack().session_present())
        .gets(publish("a", "2").qos1(1))
        .loses_connection();
    s.client("absent").connects(resume).gets(connack().session_present()).gets(publish("a", "2").qos1(1).dup());
    s.nothing_else();
}

SPEC("v5 an alias with two property values or in a wrong packet is refused") {
    Script s;
    s.client("one")
        .connects()
        .sends(aliased("a", "1", 1).with(Id::topic_alias, 1))
        .is_disconnected(ReasonCode::protocol_error);
    s.client("two").connects().sends(puback(1).with(Id::topic_alias, 1)).is_disconnected(ReasonCode::malformed_packet);
    s.nothing_else();
}

SPEC("v5 [MQTT-3.1.2-27] [MQTT-3.3.2-11] a client that allows no aliases is sent none") {
    for (const auto allowed : {std::optional<std::uint32_t>(), std::optional<std::uint32_t>(0)}) {
        Script s;
        s.client("meter").connects({.topic_alias_maximum = allowed}).subscribes("#");
        s.client("lamp").connects();
        for (int round = 0; round < 20; ++round) {
            s.client("lamp").publishes("a/long/topic", "x");
            s.client("meter").gets(publish("a/long/topic", "x"));
        }
        s.nothing_else();
    }
}

SPEC(
    "v5 [MQTT-3.1.2-26] [MQTT-3.3.2-11] aliases of the broker stay within the client's maximum and mean the right "
    "topics") {
    for (const std::uint32_t allowed : {1U, 3U, 100U}) {
        Script s;
        s.client("meter").connects({.topic_alias_maximum = allowed}).subscribes("#", qos1).acknowledges_automatically();
        s.client("lamp").connects();
        std::map<std::uint32_t, std::string> meaning;
        std::size_t short_packets = 0;
        for (int round = 0; round < 200; ++round) {
            const std::string topic = "building/floor/room/" + std::to_string(round * round % 7);
            s.client("lamp").publishes(topic, "x", round % 2 == 0 ? qos0 : qos1);
            const auto got = s.client("meter").takes_all();
            REQUIRE(got.size() == 1);
            const auto alias = got[0].number(Id::topic_alias);  // its range is checked for every packet
            if (!got[0].topic.empty() && alias) meaning[*alias] = got[0].topic;
            CHECK((got[0].topic.empty() ? meaning[alias.value_or(0)] : got[0].topic) == topic);
            short_packets += got[0].topic.empty() ? 1U : 0U;
        }
        if (allowed >= 3) CHECK(short_packets > 20);
        s.nothing_else();
    }
}

SPEC("v5 [MQTT-3.3.2-7] aliases of the broker end with the connection") {
    Script s;
    ConnectOptions options = resume;
    options.topic_alias_maximum = 10;
    s.client("lamp").connects();
    for (int round = 0; round < 3; ++round) {
        s.client("meter").connects(options).subscribes("a/long/topic");
        for (int at = 0; at < 5; ++at) s.client("lamp").publishes("a/long/topic", "x");
        const auto got = s.client("meter").takes_all();
        REQUIRE(got.size() == 5);
        CHECK(got[0].topic == "a/long/topic");
        s.client("meter").loses_connection();
    }
    s.nothing_else();
}

SPEC("v5 what is sent again after a reconnection does not rely on aliases of the connection before") {
    Script s;
    ConnectOptions options = resume;
    options.topic_alias_maximum = 10;
    s.client("meter").connects(options).subscribes("a/long/topic", qos1);
    s.client("lamp").connects();
    for (int at = 0; at < 5; ++at) s.client("lamp").publishes("a/long/topic", "x", qos1);
    CHECK(s.client("meter").takes_all().size() == 5);
    s.client("meter").loses_connection();
    s.client("meter").connects(options).gets(connack().session_present());
    const auto again = s.client("meter").takes_all();
    REQUIRE(again.size() == 5);
    CHECK(again[0].topic == "a/long/topic");
    for (const auto& packet : again) CHECK(packet.is_dup);
    s.nothing_else();
}

}  // namespace ledge::spec
