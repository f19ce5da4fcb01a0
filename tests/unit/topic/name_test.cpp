#include "ledge/topic/name.hpp"

#include <doctest/doctest.h>

#include <string>

#include "ledge/base/rng.hpp"
#include "random_texts.hpp"

using namespace ledge::topic;

namespace {

std::string with_levels(unsigned levels) {
    std::string text = "a";
    while (--levels > 0) text += "/a";
    return text;
}

}  // namespace

TEST_CASE("levels are counted by the slashes, empty ones too") {
    CHECK(count_levels("a") == 1);
    CHECK(count_levels("/") == 2);
    CHECK(count_levels("/a/b") == 3);
    CHECK(count_levels("a//") == 3);
}

TEST_CASE("[MQTT-4.7.3-1] a topic name or filter has at least one byte") {
    CHECK_FALSE(is_valid_topic("", 32));
    CHECK_FALSE(is_valid_filter("", 32));
    CHECK(is_valid_topic("/", 32));
    CHECK(is_valid_filter("/", 32));
    CHECK(is_valid_topic(" ", 32));
}

TEST_CASE("[MQTT-4.7.0-1] [MQTT-3.3.2-2] a topic name has no wildcard") {
    CHECK(is_valid_topic("sport/tennis", 32));
    CHECK(is_valid_topic("$SYS/uptime", 32));
    for (const char* topic : {"+", "#", "a/+", "a/#", "a+", "#a", "a/b#/c"}) {
        CAPTURE(topic);
        CHECK_FALSE(is_valid_topic(topic, 32));
    }
}

TEST_CASE("[MQTT-4.7.1-1] '#' stands alone in the last level") {
    for (const char* filter : {"#", "/#", "a/#", "sport/tennis/player1/#", "+/#", "$SYS/#"}) {
        CAPTURE(filter);
        CHECK(is_valid_filter(filter, 32));
    }
    for (const char* filter : {"a#", "#a", "a/b#", "a/#/b", "#/a", "##", "#/", "#/#", "+#"}) {
        CAPTURE(filter);
        CHECK_FALSE(is_valid_filter(filter, 32));
    }
}

TEST_CASE("[MQTT-4.7.1-2] '+' stands alone in its level, at any place") {
    for (const char* filter : {"+", "+/", "/+", "+/+", "+/a/+", "a/+/b", "a/+/#"}) {
        CAPTURE(filter);
        CHECK(is_valid_filter(filter, 32));
    }
    for (const char* filter : {"a+", "+a", "a/b+/c", "a/+b", "++", "a/++"}) {
        CAPTURE(filter);
        CHECK_FALSE(is_valid_filter(filter, 32));
    }
}

TEST_CASE("the number of levels is limited, by the configuration and in any case by levels_hard_max") {
    CHECK(is_valid_topic(with_levels(5), 5));
    CHECK_FALSE(is_valid_topic(with_levels(6), 5));
    CHECK(is_valid_filter(with_levels(4) + "/#", 5));
    CHECK_FALSE(is_valid_filter(with_levels(5) + "/#", 5));
    CHECK(is_valid_topic(with_levels(levels_hard_max), 1'000'000));
    CHECK_FALSE(is_valid_topic(with_levels(levels_hard_max + 1), 1'000'000));
    CHECK_FALSE(is_valid_filter(with_levels(levels_hard_max + 1), 1'000'000));
    CHECK_FALSE(is_valid_filter("a", 0));
}

TEST_CASE("the level limit counts the filter inside a shared one") {
    CHECK(is_valid_filter("$share/group/a/b", 2));
    CHECK_FALSE(is_valid_filter("$share/group/a/b/c", 2));
}

TEST_CASE("a shared filter is taken apart") {
    const auto shared = parse_shared("$share/consumers/sport/#");
    REQUIRE(shared);
    CHECK(shared->group == "consumers");
    CHECK(shared->filter == "sport/#");
    CHECK(parse_shared("$share/g//finance")->filter == "/finance");
    CHECK(is_valid_filter("$share/g//", 32));
    CHECK(is_valid_filter("$share/g/$SYS/#", 32));
}

TEST_CASE("[MQTT-4.8.2-1] [MQTT-4.8.2-2] malformed shared filters are invalid") {
    for (const char* filter : {"$share/", "$share//", "$share//a", "$share/g", "$share/g/", "$share/+/a", "$share/#/a",
                               "$share/g+/a", "$share/g#/a", "$share/#"}) {
        CAPTURE(filter);
        CHECK(is_shared(filter));
        CHECK_FALSE(parse_shared(filter));
        CHECK_FALSE(is_valid_filter(filter, 32));
    }
    CHECK_FALSE(is_valid_filter("$share/g/a#", 32));
}

TEST_CASE("only the prefix '$share/' makes a filter a shared one") {
    for (const char* filter : {"$share", "$shared/g/a", "share/g/a", "$SHARE/g/a", "a/$share/g/b"}) {
        CAPTURE(filter);
        CHECK_FALSE(is_shared(filter));
        CHECK_FALSE(parse_shared(filter));
        CHECK(is_valid_filter(filter, 32));
    }
}

TEST_CASE("wildcards are seen") {
    CHECK(has_wildcards("#"));
    CHECK(has_wildcards("a/+"));
    CHECK_FALSE(has_wildcards("a/b"));
    CHECK_FALSE(has_wildcards("$SYS/a"));
}

TEST_CASE("matching, as the examples of section 4.7 have it") {
    struct Example {
        const char* filter;
        const char* topic;
        bool expected;
    };
    for (const Example& example : {
             Example{"sport/tennis/player1/#", "sport/tennis/player1", true},
             {"sport/tennis/player1/#", "sport/tennis/player1/ranking", true},
             {"sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true},
             {"sport/tennis/player1/#", "sport/tennis/player10", false},
             {"sport/#", "sport", true},
             {"#", "sport", true},
             {"#", "/", true},
             {"sport/tennis/+", "sport/tennis/player1", true},
             {"sport/tennis/+", "sport/tennis/player1/ranking", false},
             {"sport/+", "sport", false},
             {"sport/+", "sport/", true},
             {"+/+", "/finance", true},
             {"/+", "/finance", true},
             {"+", "/finance", false},
             {"+/#", "a", true},
             {"a//b", "a//b", true},
             {"a/+/b", "a//b", true},
             {"a/b", "a/b/", false},
             {"a/b/", "a/b", false},
             {"a", "A", false},
         }) {
        CAPTURE(example.filter);
        CAPTURE(example.topic);
        CHECK(matches(example.filter, example.topic) == example.expected);
    }
}

TEST_CASE("[MQTT-4.7.2-1] a leading wildcard does not match a topic that starts with '$'") {
    CHECK_FALSE(matches("#", "$SYS/monitor/clients"));
    CHECK_FALSE(matches("+/monitor/clients", "$SYS/monitor/clients"));
    CHECK_FALSE(matches("+", "$"));
    CHECK(matches("$SYS/#", "$SYS/monitor/clients"));
    CHECK(matches("$SYS/#", "$SYS"));
    CHECK(matches("$SYS/monitor/+", "$SYS/monitor/clients"));
    CHECK(matches("a/+", "a/$b"));
    CHECK(matches("+/#", "a/$b"));
    CHECK(matches("+/$b", "/$b"));
}

TEST_CASE("[MQTT-4.7.3-4] nothing is normalised: same look, other bytes, no match") {
    CHECK(matches("caf\u00e9", "caf\u00e9"));
    CHECK_FALSE(matches("caf\u00e9", "cafe\u0301"));
    CHECK_FALSE(matches("Accounts", "ACCOUNTS"));
    CHECK_FALSE(matches("a//b", "a/b"));
}

TEST_CASE("random valid filters and topics: valid, and each topic matches itself, '#' below it and its own pattern") {
    ledge::Rng rng(7);
    for (int i = 0; i < 2000; ++i) {
        const std::string topic = random_topic(rng);
        CAPTURE(topic);
        CHECK(is_valid_topic(topic, 6));
        CHECK(is_valid_filter(random_filter(rng), 6));
        CHECK(matches(topic, topic));
        CHECK(matches(topic + "/#", topic));
        CHECK_FALSE(matches(topic + "/+", topic));
        CHECK(matches("#", topic) == !topic.starts_with('$'));
    }
}
