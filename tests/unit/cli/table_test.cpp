#include "table.hpp"

#include <doctest/doctest.h>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

#include <array>

using namespace ledge::cli;

namespace {

boost::json::value json(std::string_view text) { return boost::json::parse(boost::json::string_view(text)); }

}  // namespace

TEST_CASE("columns are as wide as their content, in characters") {
    CHECK(table_text({"name", "n"}, {{"lamp", "7"}, {"größe", "10"}}, 0) ==
          "name   n\n"
          "lamp   7\n"
          "größe  10\n");
}

TEST_CASE("columns stay straight beside characters of two columns, also when they are shortened") {
    CHECK(table_text({"name", "n"}, {{"温度", "7"}, {"lamp", "8"}}, 0) ==
          "name  n\n"
          "温度  7\n"
          "lamp  8\n");
    CHECK(table_text({"a"}, {{"温度温度温度"}}, 6) == "a\n温度…\n");
}

TEST_CASE("a table that is wider than the terminal loses columns of its widest cells") {
    CHECK(table_text({"id", "reason"}, {{"sensor-0001", "abcdefghijklmnop"}}, 20) ==
          "id         reason\n"
          "sensor-0…  abcdefgh…\n");
    // No cell becomes narrower than a few characters.
    CHECK(table_text({"a"}, {{"abcdefghij"}}, 1) == "a\nabcde…\n");
}

TEST_CASE("a cell cannot control the terminal, nor break the table") {
    CHECK(table_text({"id"}, {{"a\n\x1b[2J"}}, 0) == "id\na\\n\\x1b[2J\n");
}

TEST_CASE("rows show the chosen members, without columns that nobody fills") {
    const auto list = json(R"([{"client_id":"a","queue":{"messages":2,"bytes":2048},"user":null,"connected":true},)"
                           R"({"client_id":"b","queue":{"messages":0,"bytes":0},"user":null,"connected":false}])");
    constexpr std::array<std::string_view, 4> members = {"client_id", "user", "queue.bytes", "connected"};
    CHECK(rows_text(list.as_array(), members, 0) ==
          "client id  queue bytes  connected\n"
          "a          2.0 KiB      yes\n"
          "b          0 B          no\n");
    CHECK(rows_text(list.as_array(), {}, 0).starts_with("client id  queue messages  queue bytes  connected\n"));
    CHECK(rows_text({}, {}, 0).empty());
    // What is no list of objects does no harm.
    CHECK(rows_text(json("[1,null]").as_array(), {}, 0) == "\n\n\n");
}

TEST_CASE("facts are lines, and lists of objects follow as tables") {
    const auto facts =
        json(R"({"version":"1","uptime_s":90061,"clients":{"connected":2},"memory":{"resident_bytes":5242880},)"
             R"("notes":["a","b"],"listeners":[{"name":"x","connections":1}]})");
    CHECK(facts_text(facts.as_object(), 0) ==
          "version            1\n"
          "uptime             1 d 1 h\n"
          "clients connected  2\n"
          "memory resident    5.0 MiB\n"
          "notes              a, b\n"
          "\nlisteners:\n"
          "name  connections\n"
          "x     1\n");
}

TEST_CASE("two names that differ by their unit only have two headings") {
    CHECK(facts_text(json(R"({"payload":"on","payload_bytes":2,"connected":true,"connected_s":5})").as_object(), 0) ==
          "payload         on\n"
          "payload bytes   2 B\n"
          "connected       yes\n"
          "connected time  5 s\n");
}

TEST_CASE("the name of a fact cannot control the terminal either") {
    CHECK(facts_text(json("{\"\\u001b[2J\":1}").as_object(), 0) == "\\x1b[2J  1\n");
}

TEST_CASE("numbers are shown by the unit in their name") {
    const auto text = [](std::string_view name, std::string_view value) { return value_text(name, json(value)); };
    CHECK(text("used_bytes", "1023") == "1023 B");
    CHECK(text("used_bytes", "1073741824") == "1.0 GiB");
    CHECK(text("age_s", "0") == "0 s");
    CHECK(text("p99_s", "0.0125") == "12.5 ms");
    CHECK(text("age_s", "59.5") == "59.5 s");
    CHECK(text("age_s", "61") == "1 min 1 s");
    CHECK(text("age_s", "3661") == "1 h 1 min");
    CHECK(text("used_fraction", "0.256") == "25.6 %");
    CHECK(text("qos", "2") == "2");
    CHECK(text("x", "null").empty());
    CHECK(text("properties", R"([["a","1"],{"b":2}])") == R"(["a","1"], {"b":2})");
    CHECK(text("age_s", "1e300") == "11574074074 d 1 h");
}
