#include "ledge/wire/utf8.hpp"

#include "packet_bytes.hpp"
#include "text.hpp"

namespace ledge::wire {
namespace {

using namespace std::string_literals;

std::string utf8_of(std::uint32_t point) {
    const auto tail = [&](unsigned shift) { return static_cast<char>(0x80U | (point >> shift & 0x3FU)); };
    if (point < 0x80) return {static_cast<char>(point)};
    if (point < 0x800) return {static_cast<char>(0xC0U | point >> 6U), tail(0)};
    if (point < 0x10000) return {static_cast<char>(0xE0U | point >> 12U), tail(6), tail(0)};
    return {static_cast<char>(0xF0U | point >> 18U), tail(12), tail(6), tail(0)};
}

/// At every place of every length up to three words, so that all fast paths see it.
template <class Check>
void everywhere(const std::string& piece, Check check) {
    for (std::size_t before = 0; before < 18; ++before) {
        for (std::size_t after = 0; after < 18; ++after) {
            check(std::string(before, 'a') + piece + std::string(after, 'z'));
        }
    }
}

}  // namespace

TEST_CASE("[MQTT-1.5.4-1] every Unicode scalar value is accepted, every surrogate refused") {
    for (std::uint32_t point = 1; point <= 0x10FFFF; ++point) {
        const bool is_surrogate = point >= 0xD800 && point <= 0xDFFF;
        if (is_valid_utf8(utf8_of(point)) == is_surrogate) FAIL_CHECK(point);
    }
}

TEST_CASE("[MQTT-1.5.4-1] every byte pair is judged as the Unicode table says") {
    for (unsigned first = 0; first < 256; ++first) {
        for (unsigned second = 0; second < 256; ++second) {
            const std::string text{static_cast<char>(first), static_cast<char>(second)};
            const bool two_ascii = first > 0 && first < 0x80 && second > 0 && second < 0x80;
            const bool pair = first >= 0xC2 && first <= 0xDF && second >= 0x80 && second <= 0xBF;
            if (is_valid_utf8(text) != (two_ascii || pair)) FAIL_CHECK(first, " ", second);
        }
    }
}

TEST_CASE("[MQTT-1.5.4-1] ill-formed sequences are refused wherever they stand") {
    const std::string_view wrong[] = {
        "\x80",                      // a lone continuation
        "\xBF\xBF",                  //
        "\xC0\x80",                  // overlong NUL
        "\xC0\xAF",                  // overlong slash
        "\xC1\xBF",                  // overlong DEL
        "\xC2",                      // cut off
        "\xE0\x80\xAF",              // overlong, three bytes
        "\xE0\x9F\xBF",              // the last overlong of three
        "\xE1\x80",                  // cut off
        "\xED\xA0\x80",              // U+D800
        "\xED\xBF\xBF",              // U+DFFF
        "\xED\xA0\xBD\xED\xB8\x80",  // a surrogate pair, as CESU-8 has it
        "\xF0\x80\x80\xAF",          // overlong, four bytes
        "\xF0\x8F\xBF\xBF",          // the last overlong of four
        "\xF0\x9F\x98",              // cut off
        "\xF4\x90\x80\x80",          // U+110000
        "\xF5\x80\x80\x80",          // beyond
        "\xF8\x88\x80\x80\x80",      // five bytes
        "\xFE",
        "\xFF",  // never
    };
    for (const std::string_view piece : wrong) {
        everywhere(std::string(piece), [](const std::string& text) { CHECK_FALSE(is_valid_utf8(text)); });
    }
}

TEST_CASE("[MQTT-1.5.4-2] U+0000 is refused wherever it stands") {
    everywhere("\0"s, [](const std::string& text) { CHECK_FALSE(is_valid_utf8(text)); });
    everywhere("\xC3\xA4\0"s, [](const std::string& text) { CHECK_FALSE(is_valid_utf8(text)); });
}

TEST_CASE("[MQTT-1.5.4-3] a byte order mark is text like any other") {
    everywhere("\xEF\xBB\xBF", [](const std::string& text) { CHECK(is_valid_utf8(text)); });
}

TEST_CASE("well-formed text is accepted at every offset and length") {
    for (const char* piece : {"", "x", "\x01", "\x7F", "ä", "€", "😀", "\xEF\xBF\xBE", "Küche/Wärmepumpe/°C"}) {
        everywhere(piece, [](const std::string& text) { CHECK(is_valid_utf8(text)); });
    }
}

TEST_CASE("the fast look for topics finds each wildcard, zero and high byte, and nothing else") {
    for (unsigned value = 0; value < 256; ++value) {
        const bool is_guilty = value == 0 || value >= 0x80 || value == '+' || value == '#';
        everywhere({static_cast<char>(value)}, [&](const std::string& topic) {
            if (is_clean<PlainTopic>(topic) == is_guilty) FAIL_CHECK(topic);
        });
    }
    CHECK(is_clean<PlainTopic>(""));
}

TEST_CASE("topics in other scripts pass the slow look, unless a wildcard is in them") {
    CHECK(is_wildcard_free_utf8("Gebäude/2/Küche"));
    CHECK_FALSE(is_wildcard_free_utf8("Gebäude/+/Küche"));
    CHECK_FALSE(is_wildcard_free_utf8("Gebäude/#"));
    CHECK_FALSE(is_wildcard_free_utf8("Geb\xE4ude"));
}

}  // namespace ledge::wire
