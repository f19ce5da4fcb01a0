#include "ledge/lines/line_reader.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

namespace ledge::lines {
namespace {

using namespace std::string_view_literals;

/// The lines in `text`, which comes in pieces of `piece` bytes, each in angle brackets.
std::string lines_of(LineReader& reader, std::string_view text, std::size_t piece) {
    std::string all;
    while (!text.empty()) {
        const std::string alone(text.substr(0, piece));
        text.remove_prefix(alone.size());
        Bytes input = as_bytes(alone);
        while (const auto line = reader.next(input)) all += "<" + std::string(as_text(*line)) + ">";
        CHECK(input.empty());
    }
    return all;
}

/// The same, whatever the pieces are. The port was silent before.
std::string lines_of(std::string_view text, std::size_t bytes_max = 10, bool was_silent = true) {
    const auto read = [&](std::size_t piece) {
        LineReader reader(bytes_max);
        reader.open();
        if (was_silent) reader.expect_line_begin();
        return lines_of(reader, text, piece);
    };
    const std::string whole = read(text.size() + 1);
    for (std::size_t piece = 1; piece <= text.size(); ++piece) CHECK(read(piece) == whole);
    return whole;
}

TEST_CASE("a line ends with LF, CR LF or CR, in any order, wherever the bytes are cut") {
    CHECK(lines_of("a\nbc\n") == "<a><bc>");
    CHECK(lines_of("a\r\nbc\r\n") == "<a><bc>");
    CHECK(lines_of("a\rbc\r") == "<a><bc>");
    CHECK(lines_of("a\rbc\r\nd\ne") == "<a><bc><d>");
}

TEST_CASE("an empty line is none") {
    CHECK(lines_of("\n\r\n\r\r\n\na\n\n\n") == "<a>");
    CHECK(lines_of(" \n") == "< >");
}

TEST_CASE("any other byte belongs to the line, also zero and bytes that are no UTF-8") {
    CHECK(lines_of("x\na\0b\n"sv) == "<x><a\0b>"sv);
    CHECK(lines_of("\xff\t\x1b\x7f\n") == "<\xff\t\x1b\x7f>");
}

TEST_CASE("the longest line passes, a longer one is dropped up to its end") {
    CHECK(lines_of("1234567890\n") == "<1234567890>");
    CHECK(lines_of("1234567890\r\n") == "<1234567890>");
    CHECK(lines_of("12345678901\nab\n") == "<ab>");
    CHECK(lines_of(std::string(1000, 'x') + "\rab\n") == "<ab>");
    CHECK(lines_of("a\nb\n", 1) == "<a><b>");
    CHECK(lines_of("ab\nb\n", 1) == "<b>");
}

TEST_CASE("without a silence after the opening, the first line may be the rest of one, and is discarded") {
    CHECK(lines_of("1.5\n231.5\n", 10, false) == "<231.5>");
    CHECK(lines_of("\n231.5\n", 10, false) == "<231.5>");
    CHECK(lines_of("231.5", 10, false).empty());
    CHECK(lines_of(std::string(1000, '\0') + "\n231.5\n", 10, false) == "<231.5>");
}

TEST_CASE("zero bytes in the first line are noise of the plug, also after a silence") {
    CHECK(lines_of("\0\0231.5\n232\n"sv) == "<232>");
    CHECK(lines_of("23\0\n232\n"sv) == "<232>");
    CHECK(lines_of("231.5\n2\0\n"sv) == "<231.5><2\0>"sv);
}

TEST_CASE("each opening begins anew, and nothing of the former line is left") {
    LineReader reader(10);
    reader.open();
    reader.expect_line_begin();
    CHECK(lines_of(reader, "a\nbc", 100) == "<a>");
    reader.open();
    CHECK(reader.is_untouched());
    CHECK(lines_of(reader, "d\ne\n", 100) == "<e>");
    CHECK_FALSE(reader.is_untouched());
    reader.expect_line_begin();  // too late: a byte has come
    CHECK(lines_of(reader, "f\n", 100) == "<f>");
    reader.open();
    reader.expect_line_begin();
    CHECK(lines_of(reader, "g\n", 100) == "<g>");
}

TEST_CASE("each line is counted once") {
    LineReader reader(3);
    reader.open();
    lines_of(reader, "xxxx\na\n\nabcd\nabc\nabcdefgh\n\r\n", 1);
    CHECK(reader.counters().stale == 1);
    CHECK(reader.counters().lines == 2);
    CHECK(reader.counters().too_long == 2);
}

}  // namespace
}  // namespace ledge::lines
