#include "ledge/base/log.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace ledge;

namespace {

std::string text_of(std::string_view value) {
    const LogField field("v", value);
    std::string out;
    format_text({LogLevel::info, "e", {&field, 1}}, out);
    REQUIRE(out.starts_with("info e v="));
    return out.substr(9);
}

std::string json_of(std::string_view value) {
    const LogField field("v", value);
    std::string out;
    format_json({LogLevel::info, "e", {&field, 1}}, out);
    const std::string_view head = R"("level":"info","event":"e","v":)";
    REQUIRE(out.starts_with(head));
    return out.substr(head.size());
}

void collect(void* context, const LogRecord& record) {
    std::string line;
    format_text(record, line);
    static_cast<std::vector<std::string>*>(context)->push_back(line);
}

}  // namespace

TEST_CASE("a line of text names level, event and fields in order") {
    const LogField fields[] = {{"client_id", "a b"}, {"address", "192.0.2.7:51123"}, {"bytes", -12}, {"empty", ""}};
    std::string out = "T ";
    format_text({LogLevel::warning, "client_refused", fields}, out);
    CHECK(out == R"(T warning client_refused client_id="a b" address=192.0.2.7:51123 bytes=-12 empty="")");
}

TEST_CASE("a line of JSON names level, event and fields in order") {
    const LogField fields[] = {{"client_id", "a \"b\""}, {"bytes", std::uint64_t{12}}, {"is_v5", true}};
    std::string out = "{";
    format_json({LogLevel::error, "client_refused", fields}, out);
    CHECK(out == R"({"level":"error","event":"client_refused","client_id":"a \"b\"","bytes":12,"is_v5":1)");
}

TEST_CASE("words stay bare in text, everything else is quoted") {
    CHECK(text_of("plant/7:temp,[x]") == "plant/7:temp,[x]");
    CHECK(text_of("a=b") == R"("a=b")");
    CHECK(text_of("a\"b") == R"("a\"b")");
    CHECK(text_of("a\\b") == R"("a\\b")");
    CHECK(text_of("grün") == "\"grün\"");
    CHECK(text_of("") == R"("")");
}

TEST_CASE("no value can end its line or move a cursor") {
    CHECK(text_of("x\ninfo forged") == R"("x\ninfo forged")");
    CHECK(text_of("\r\t\x1b[2J\x7f") == R"("\u000d\u0009\u001b[2J\u007f")");
    CHECK(text_of(std::string_view("\0", 1)) == R"("\u0000")");
    CHECK(text_of("\xC2\x9B"
                  "2J") == R"("\u009b2J")");  // CSI as one C1 control
    CHECK(text_of("a\xE2\x80\xA8"
                  "b\xE2\x80\xAE"
                  "c") == R"("a\u2028b\u202ec")");  // line separator, right-to-left override
    CHECK(json_of("x\ny\x1b") == R"("x\ny\u001b")");
    CHECK(json_of("a\\\"b") == R"("a\\\"b")");
}

TEST_CASE("bytes that are not UTF-8 are shown, not passed on") {
    CHECK(text_of("a\xFF") == R"("a\xff")");
    CHECK(text_of("\xC3") == R"("\xc3")");          // cut off
    CHECK(text_of("\xC0\xAF") == R"("\xc0\xaf")");  // overlong
    CHECK(text_of("\xE0\x80\xAF") == R"("\xe0\x80\xaf")");
    CHECK(text_of("\xED\xA0\x80") == R"("\xed\xa0\x80")");  // surrogate
    CHECK(text_of("\xF4\x90\x80\x80") == R"("\xf4\x90\x80\x80")");
    CHECK(text_of("\xF0\x9F\x8C\xA1") == "\"\xF0\x9F\x8C\xA1\"");
    CHECK(json_of("a\xFF") == R"("a\ufffd")");
    CHECK(json_of("ok \xF0\x9F\x8C\xA1") == "\"ok \xF0\x9F\x8C\xA1\"");
}

TEST_CASE("a long value is cut, and its whole length is said") {
    const std::string word(400, 'x');
    CHECK(text_of(word) == word);
    CHECK(text_of(word + "yz") == '"' + word + "...(of 402 bytes)\"");
    CHECK(json_of(word + "yz") == '"' + word + "...(of 402 bytes)\"");
    const std::string controls = text_of(std::string(65535, '\x01'));
    CHECK(controls.size() < 450);  // each of them takes six bytes
    CHECK(controls.ends_with("\\u0001...(of 65535 bytes)\""));
    CHECK(text_of(word.substr(1) + "\xE2\x82\xAC" + "end") ==
          '"' + word.substr(1) + "\xE2\x82\xAC...(of 405 bytes)\"");  // no character is cut in two
}

TEST_CASE("a log passes on what reaches its threshold") {
    std::vector<std::string> lines;
    Log log(LogLevel::warning, collect, &lines);
    CHECK_FALSE(log.enabled(LogLevel::info));
    log.debug("a");
    log.info("b");
    log.warning("c", {{"n", 1}});
    log.error("d");
    CHECK(lines == std::vector<std::string>{"warning c n=1", "error d"});
    log.set_threshold(LogLevel::debug);
    log.debug("e");
    CHECK(lines.size() == 3);
    Log().error("nobody listens");
    CHECK_FALSE(Log().enabled(LogLevel::error));
}
