#include "ledge/lines/line_mapper.hpp"

#include <doctest/doctest.h>

#include <string>

namespace ledge::lines {
namespace {

using namespace std::string_view_literals;

Options text_options() {
    Options options;
    options.topic = "m";
    return options;
}

Options sensor_options(Members members = Members::payload) {
    Options options = text_options();
    options.json_topic_member = "id";
    options.json_members = members;
    return options;
}

Options member_options() {
    Options options = text_options();
    options.json_members = Members::topics;
    return options;
}

/// "topic=payload", separated by " | "; then "-N" for bad levels.
std::string mapped(const Options& options, std::string_view line) {
    const MappedLine result = map_line(options, as_bytes(line));
    std::string all;
    for (const Publication& one : result.publications) {
        if (!all.empty()) all += " | ";
        all += one.topic + "=" + one.payload;
    }
    if (result.kind == MappedLine::Kind::ignored) all += "ignored";
    if (result.kind == MappedLine::Kind::unparsed && result.publications.empty()) all += "dropped";
    if (result.bad_levels > 0) all += " -" + std::to_string(result.bad_levels);
    return all;
}

TEST_CASE("without keys for JSON, every line is the payload as it is") {
    CHECK(mapped(text_options(), "21.5") == "m=21.5");
    CHECK(mapped(text_options(), "{\"id\":1}") == "m={\"id\":1}");
    CHECK(mapped(text_options(), " \xff\0"sv) == "m= \xff\0"sv);
}

TEST_CASE("lines with the prefix are left out") {
    Options options = text_options();
    options.ignore_prefix = "# ";
    CHECK(mapped(options, "# boot") == "ignored");
    CHECK(mapped(options, "# ") == "ignored");
    CHECK(mapped(options, "#boot") == "m=#boot");
    CHECK(mapped(options, "#") == "m=#");
    options = member_options();
    options.ignore_prefix = "{";
    CHECK(mapped(options, R"({"a":1})") == "ignored");
}

TEST_CASE("a member chooses the last level of the topic") {
    CHECK(mapped(sensor_options(), R"({"id":"t1","c":20.50})") == R"(m/t1={"id":"t1","c":20.50})");
    CHECK(mapped(sensor_options(), R"( {"c":1, "id" : 17 } )") == R"(m/17= {"c":1, "id" : 17 } )");
    CHECK(mapped(sensor_options(), R"({"id":"\u00e4 b"})") == "m/\xC3\xA4 b={\"id\":\"\\u00e4 b\"}");
}

TEST_CASE("a value that is no level leaves the line unparsed") {
    for (const char* id : {R"("")", R"("+")", R"("a#")", R"("a/b")", R"("/")", R"("$state")", R"("unparsed")",
                           R"("\u0000")", R"("\n")", R"("\u007f")", "1.5", "1e3", "true", "null", "{}", "[]"}) {
        const std::string line = R"({"id":)" + std::string(id) + "}";
        CHECK_MESSAGE(mapped(sensor_options(), line) == "m/unparsed=" + line, line);
    }
    const std::string longest(level_bytes_max, 'x');
    CHECK(mapped(sensor_options(), "{\"id\":\"" + longest + "\"}").starts_with("m/" + longest + "="));
    CHECK(mapped(sensor_options(), "{\"id\":\"" + longest + "x\"}").starts_with("m/unparsed="));
}

TEST_CASE("with json_topic_slashes the value may have several levels, each of them usable") {
    Options options = sensor_options();
    options.json_topic_slashes = true;
    CHECK(mapped(options, R"({"id":"hall/2"})") == R"(m/hall/2={"id":"hall/2"})");
    for (const char* id : {"/", "a/", "/a", "a//b", "a/+", "a/#", "a/$b", "a/unparsed", "a/b/c/d/e/f/g/h/i"})
        CHECK(mapped(options, R"({"id":")" + std::string(id) + "\"}").starts_with("m/unparsed="));
    CHECK(mapped(options, R"({"id":"a/b/c/d/e/f/g/h"})").starts_with("m/a/b/c/d/e/f/g/h="));
}

TEST_CASE("each member becomes a topic: texts without quotes, all else as it was written") {
    CHECK(mapped(member_options(), R"({"t":20.50,"on":true,"n":null,"s":"a\"b","e":"","l":[1, 2],"o":{"x":1}})") ==
          R"(m/t=20.50 | m/on=true | m/n=null | m/s=a"b | m/e= | m/l=[1, 2] | m/o={"x":1})");
}

TEST_CASE("hostile names of members have no publication, and the others have one") {
    CHECK(mapped(member_options(), R"({"a":1,"+":2,"#":3,"b/c":4,"":5,"$state":6,"\u0000":7,"d":8})") ==
          "m/a=1 | m/d=8 -6");
    CHECK(mapped(member_options(), R"({"../x":1})") == " -1");
    CHECK(mapped(member_options(), "{\"" + std::string(level_bytes_max + 1, 'x') + "\":1}") == " -1");
    Options options = member_options();
    options.json_topic_slashes = true;  // for values only
    CHECK(mapped(options, R"({"a/b":1})") == " -1");
}

TEST_CASE("a member may choose the level above those of the other members") {
    CHECK(mapped(sensor_options(Members::topics), R"({"t":1,"id":"k","h":2})") == "m/k/t=1 | m/k/h=2");
    CHECK(mapped(sensor_options(Members::topics), R"({"id":"k"})") == "");
    CHECK(mapped(sensor_options(Members::topics), R"({"t":1})") == R"(m/unparsed={"t":1})");
}

TEST_CASE("what is no JSON object with unique names is unparsed: published or dropped") {
    for (const char* line :
         {"boot", "{", "{}", "[1]", "1", "\"a\"", R"({"id":"a","id":"b"})", R"({"id":"a"} x)", "{\"id\":\"\xff\"}"}) {
        for (Options options : {sensor_options(), member_options()}) {
            CHECK(mapped(options, line) == "m/unparsed=" + std::string(line));
            options.unparsed = Unparsed::drop;
            CHECK(mapped(options, line) == "dropped");
        }
    }
}

TEST_CASE("an object with too many members is unparsed") {
    const auto object = [](std::size_t count) {
        std::string line = "{";
        for (std::size_t i = 0; i < count; ++i) line += (i > 0 ? ",\"" : "\"") + std::to_string(i) + "\":1";
        return line + "}";
    };
    CHECK(map_line(member_options(), as_bytes(object(members_max))).publications.size() == members_max);
    CHECK(map_line(member_options(), as_bytes(object(members_max + 1))).publications.size() == 1);
}

TEST_CASE("options know whether they want JSON, and the topic of the state") {
    CHECK_FALSE(text_options().wants_json());
    CHECK(sensor_options().wants_json());
    CHECK(member_options().wants_json());
    Options options = text_options();
    CHECK(options.topic_of_state() == "m/$state");
    options.state_topic = "s";
    CHECK(options.topic_of_state() == "s");
    options.state_topic = no_state_topic;
    CHECK(options.topic_of_state().empty());
}

}  // namespace
}  // namespace ledge::lines
