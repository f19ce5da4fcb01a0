// Topic names and filters: wildcards, $ topics, what is malformed.
#include "spec.hpp"

#include "ledge/broker/options.hpp"
#include "ledge/journal/records.hpp"
#include "ledge/session/account.hpp"
#include "ledge/session/limits.hpp"

namespace ledge::spec {

namespace {

struct Match {
    const char* filter;
    const char* topic;
    bool matches;
};

constexpr Match matches[] = {
    {"sport/tennis/player1/#", "sport/tennis/player1", true},
    {"sport/tennis/player1/#", "sport/tennis/player1/ranking", true},
    {"sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true},
    {"sport/tennis/player1/#", "sport/tennis/player10", false},
    {"sport/#", "sport", true},
    {"sport/#", "sports", false},
    {"#", "a", true},
    {"#", "/", true},
    {"#", "a/b/c/d", true},
    {"sport/tennis/+", "sport/tennis/player1", true},
    {"sport/tennis/+", "sport/tennis/player1/ranking", false},
    {"sport/tennis/+", "sport/tennis/", true},
    {"sport/+", "sport", false},
    {"sport/+", "sport/", true},
    {"+/+", "/finance", true},
    {"/+", "/finance", true},
    {"+", "/finance", false},
    {"+", "finance", true},
    {"+", "", false},
    {"+/tennis/#", "sport/tennis", true},
    {"+/tennis/#", "sport/tennis/x/y", true},
    {"+/tennis/#", "/tennis", true},
    {"+/#", "a", true},
    {"+/#", "a/b", true},
    {"+/+/+", "a/b", false},
    {"+/b/+", "a/b/c", true},
    {"+/b/+", "a/c/c", false},
    {"a//b", "a//b", true},
    {"a/+/b", "a//b", true},
    {"a/b", "a//b", false},
    {"/a", "a", false},
    {"a", "/a", false},
    {"a/", "a", false},
    {"a", "a/", false},
    {"a/#", "a/", true},
    {"//", "//", true},
    {"+/+/+", "//", true},
    {"A", "a", false},
    {"Accounts payable", "Accounts payable", true},
    {"a b", "a  b", false},
};

}  // namespace

SPEC(
    "v3 [MQTT-4.7.1-2] [MQTT-4.7.1-3] [MQTT-3.3.2-3] v5 [MQTT-4.7.1-1] [MQTT-4.7.1-2] [MQTT-3.3.2-3] wildcards match "
    "whole levels") {
    for (const auto version : standard_versions) {
        for (const auto& [filter, topic, is_match] : matches) {
            if (*topic == '\0') continue;
            // Not CAPTURE: clang 14 lets no lambda capture a structured binding.
            const std::string example = std::string(filter) + " and " + topic;
            CAPTURE(example);
            Script s(version);
            s.client("meter").connects().subscribes(filter);
            s.client("lamp").connects().publishes(publish(topic, "x").retained());
            if (is_match) s.client("meter").gets(publish(topic, "x"));
            s.client("late").connects().subscribes(filter);  // the retained store must agree
            if (is_match) s.client("late").gets(publish(topic, "x").retained());
            s.nothing_else();
        }
    }
}

SPEC("v3 [MQTT-4.7.2-1] v5 [MQTT-4.7.2-1] a leading wildcard does not match a topic that begins with $") {
    for (const auto version : standard_versions) {
        Script s(version);
        s.client("meter").connects().subscribes({"#", "+/x", "+/#", "+"});
        s.client("exact").connects().subscribes("$data/x");
        s.client("inner").connects().subscribes({"$data/+", "$data/#"});
        s.client("lamp").connects().publishes(publish("$data/x", "1").retained());
        s.client("exact").gets(publish("$data/x", "1"));
        s.client("inner").gets(publish("$data/x", "1"));
        s.client("late").connects().subscribes({"#", "+/x", "+/#", "+"}).subscribes("$data/#");
        s.client("late").gets(publish("$data/x", "1").retained());
        s.nothing_else();
    }
}

SPEC("$ inside a name has no meaning") {
    for (const auto version : standard_versions) {
        Script s(version);
        s.client("meter").connects().subscribes("#");
        s.client("lamp").connects().publishes("a/$SYS", "1").publishes("a$", "2");
        s.client("meter").gets(publish("a/$SYS", "1")).gets(publish("a$", "2"));
        s.nothing_else();
    }
}

SPEC("v3 [MQTT-4.7.3-4] v5 [MQTT-4.7.3-4] nothing is normalised: case, spaces, slashes, composed characters") {
    const char* topics[] = {"a", "A", " a", "a ", "/a", "a/", "a//", "\xc3\xa9", "e\xcc\x81"};
    for (const auto version : every_version) {
        for (const char* subscribed : topics) {
            Script s(version);
            s.client("meter").connects().subscribes(subscribed);
            s.client("lamp").connects();
            for (const char* published : topics) s.client("lamp").publishes(published, "x");
            s.client("meter").gets(publish(subscribed, "x"));
            s.nothing_else();
        }
    }
}

SPEC(
    "v3 [MQTT-4.7.1-2] [MQTT-4.7.1-3] [MQTT-4.7.3-1] v5 [MQTT-4.7.1-1] [MQTT-4.7.1-2] [MQTT-4.7.3-1] [MQTT-4.13.1-1] "
    "a filter with a misplaced wildcard, or an empty one, closes the connection") {
    for (const auto version : every_version) {
        for (const char* filter : {"a#", "#a", "a/#/b", "##", "a/b#", "+a", "a+", "a/b+/c", "a/+b", "++", ""}) {
            CAPTURE(filter);
            Script s(version);
            s.client("meter").connects().sends(subscribe(1, {Filter(filter)}));
            const auto answers = s.client("meter").takes_all();
            CHECK(answers.size() == (version == v5 ? 1U : 0U));
            for (const auto& answer : answers) CHECK(answer.type == PacketType::disconnect);
            s.client("meter").is_closed();
            s.nothing_else();
        }
    }
}

SPEC("v3 [MQTT-4.7.3-3] v5 [MQTT-4.7.3-3] filters of 65,535 bytes and 32 levels work") {
    for (const auto version : standard_versions) {
        Script s(version, [](broker::ShardOptions& options) { options.listeners[0].limits.topic_bytes_max = 65'535; });
        const std::string longest = repeat('x', 65'535);
        s.client("meter").connects().subscribes({Filter(longest)});
        std::string deep = "1";
        for (int level = 2; level <= 32; ++level) deep += "/" + std::to_string(level);
        s.client("meter").subscribes({Filter(deep)});
        s.client("lamp").connects().publishes(longest, "1").publishes(deep, "2");
        s.client("meter").gets(publish(longest, "1")).gets(publish(deep, "2"));
        s.nothing_else();
    }
}

SPEC(
    "v3 [MQTT-4.6.0-5] [MQTT-4.6.0-6] v5 [MQTT-4.6.0-5] [MQTT-4.6.0-6] messages of a publisher arrive in order, "
    "whatever the load") {
    for (const auto version : every_version) {
        for (const auto qos : every_qos) {
            Script s(version);
            s.client("meter").connects().subscribes("a/+", qos2).acknowledges_automatically();
            s.client("lamp").connects();
            std::string all;
            for (int at = 1; at <= 300; ++at) {
                Packet packet = publish("a/b", std::to_string(at)).qos(qos);
                if (qos != qos0) packet.id(static_cast<std::uint16_t>(at));
                all += encode(packet, version);
                if (qos == qos2) all += encode(pubrel(static_cast<std::uint16_t>(at)), version);
            }
            s.client("lamp").sends_raw(all).takes_all();
            for (int at = 1; at <= 300; ++at) s.client("meter").gets(publish("a/b", std::to_string(at)).qos(qos));
            s.nothing_else();
        }
    }
}

SPEC(
    "v3 [MQTT-4.6.0-6] v5 [MQTT-4.6.0-5] order holds across a full in-flight window, a full socket and a "
    "reconnection") {
    for (const auto version : standard_versions) {
        Script s(version);
        ConnectOptions narrow = resume;
        narrow.receive_maximum = 3;
        s.client("meter").connects(narrow).subscribes("a", qos1).stops_reading();
        s.client("lamp").connects();
        for (int at = 1; at <= 200; ++at) s.client("lamp").publishes("a", std::to_string(at), qos1);
        s.client("meter").loses_connection();
        for (int at = 201; at <= 300; ++at) s.client("lamp").publishes("a", std::to_string(at), qos1);
        s.client("meter").acknowledges_automatically().connects(narrow);
        for (int at = 1; at <= 300; ++at)
            s.client("meter").gets(publish("a", std::to_string(at)).qos(qos1).maybe_dup());
        s.nothing_else();
    }
}

}  // namespace ledge::spec
