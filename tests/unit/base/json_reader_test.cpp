#include "ledge/base/json_reader.hpp"

#include <doctest/doctest.h>

#include <string>

namespace ledge {
namespace {

using Kind = JsonMember::Kind;

/// "name=text" of all members, separated by blanks; "?" = not an object, "!" = equal names.
std::string members_of(std::string_view source) {
    const auto document = JsonDocument::parse(source);
    if (!document) return "?";
    const auto members = document->members(source);
    if (!members) return "!";
    std::string all;
    for (const JsonMember& member : *members) {
        if (!all.empty()) all += ' ';
        all += std::string(member.name) + "=" + std::string(member.text);
    }
    return all;
}

TEST_CASE("members keep their order, and numbers the way in which they are written") {
    CHECK(members_of("{}").empty());
    CHECK(members_of(" { \t} ").empty());
    CHECK(members_of(R"({"b":1.50,"a":-0,"c":1e3,"d":12345678901234567890123})") ==
          "b=1.50 a=-0 c=1e3 d=12345678901234567890123");
    CHECK(members_of("{\"t\" : true ,\r\n\"f\":false,\"n\":\tnull }") == "t=true f=false n=null");
}

TEST_CASE("a text comes without quotes and escapes, and may hold any bracket") {
    CHECK(members_of(R"({"a":"x\"},y","b\"}":2,"\u00e4":"\u00e4\\"})") == "a=x\"},y b\"}=2 \u00e4=\u00e4\\");
    CHECK(members_of(R"({"":"","a":"{["})") == "= a={[");
}

TEST_CASE("a nested value comes as it is written") {
    CHECK(members_of(R"({"a": {"b":[1, "]}"]} ,"c":[ ],"d":3})") == R"(a={"b":[1, "]}"]} c=[ ] d=3)");
}

TEST_CASE("the kind of a member is that of its value") {
    const std::string source = R"({"a":"","b":-1,"c":2.5,"d":18446744073709551615,"e":true,"f":null,"g":{},"h":[]})";
    const auto document = JsonDocument::parse(source);
    REQUIRE(document);
    const auto members = document->members(source);
    REQUIRE(members);
    const Kind kinds[] = {Kind::text,    Kind::number, Kind::number, Kind::number,
                          Kind::boolean, Kind::null,   Kind::object, Kind::list};
    REQUIRE(members->size() == std::size(kinds));
    for (std::size_t i = 0; i < members->size(); ++i) CHECK((*members)[i].kind == kinds[i]);
}

TEST_CASE("two members with the same name make the object ambiguous, wherever they stand") {
    CHECK(members_of(R"({"a":1,"a":2})") == "!");
    CHECK(members_of(R"({"a":1,"b":2,"a":3})") == "!");
    CHECK(members_of(R"({"a":1,"\u0061":3,"c":[1,2]})") == "!");
    CHECK(members_of(R"({"a":{"x":1,"y":1},"b":{"x":1}})") == R"(a={"x":1,"y":1} b={"x":1})");
}

TEST_CASE("what is not one object is refused") {
    for (const char* text :
         {"", " ", "[]", "1", "\"a\"", "null", "{", "{\"a\":1", "{\"a\":1}}", "{\"a\":1}{}", "{a:1}", "{\"a\":01}",
          "{\"a\":+1}", "{\"a\":NaN}", "{'a':1}", "{\"a\":1,}", "{\"a\":\"\xff\"}", "{\"a\":1} // x"})
        CHECK_MESSAGE(members_of(text) == "?", text);
    // The root is the first level, so a member may open seven more.
    CHECK(members_of("{\"a\":" + std::string(7, '[') + std::string(7, ']') + "}") != "?");
    CHECK(members_of("{\"a\":" + std::string(8, '[') + std::string(8, ']') + "}") == "?");
    CHECK(members_of("{\"a\":" + std::string(100'000, '[')) == "?");
}

}  // namespace
}  // namespace ledge
