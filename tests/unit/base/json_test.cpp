#include "ledge/base/json.hpp"

#include <doctest/doctest.h>

#include <limits>

namespace ledge {
namespace {

TEST_CASE("members follow each other in the order of the calls") {
    JsonWriter json;
    json.text("a", "x");
    json.number("b", std::int64_t{-1});
    json.number("c", std::numeric_limits<std::uint64_t>::max());
    json.boolean("d", true);
    json.null("e");
    CHECK(json.finish() == "{\"a\":\"x\",\"b\":-1,\"c\":18446744073709551615,\"d\":true,\"e\":null}\n");
    CHECK(JsonWriter().finish() == "{}\n");
    CHECK(JsonWriter(100).finish(false) == "{}");
}

TEST_CASE("bytes that are not text are shown in hexadecimal digits under another key") {
    JsonWriter json;
    const Byte bytes[] = {0x00, 0xFF};
    json.bytes("payload", bytes);
    json.bytes("topic", as_bytes("\xC3\xA4\"\\\n"));
    CHECK(json.finish() == "{\"payload_hex\":\"00ff\",\"topic\":\"\xC3\xA4\\\"\\\\\\u000a\"}\n");
}

TEST_CASE("a list holds objects, and members go on after it") {
    JsonWriter json;
    json.begin_list("none");
    json.end_list();
    json.begin_list("some");
    for (const char* name : {"x", "y"}) {
        json.begin_object();
        json.text("name", name);
        json.boolean("is", false);
        json.end_object();
    }
    json.end_list();
    json.begin_list("texts");
    json.element("1");
    json.element("2");
    json.end_list();
    json.text("next", "z");
    CHECK(json.finish() ==
          "{\"none\":[],\"some\":[\n{\"name\":\"x\",\"is\":false},\n{\"name\":\"y\",\"is\":false}],"
          "\"texts\":[\"1\",\"2\"],\"next\":\"z\"}\n");
}

}  // namespace
}  // namespace ledge
