#include "ledge/cli/console.hpp"

#include <doctest/doctest.h>

using namespace ledge::cli;

TEST_CASE("text for a terminal has no character with an effect, and says which were there") {
    CHECK(safe_for_terminal("plant/lamp 21.5 °C") == "plant/lamp 21.5 °C");
    CHECK(safe_for_terminal("\x1b]0;title\x07") == "\\x1b]0;title\\x07");
    CHECK(safe_for_terminal("a\nb\tc\rd\x7f") == "a\\nb\\tc\\rd\\x7f");
    // C1 controls: U+009B begins a sequence on some terminals.
    CHECK(safe_for_terminal("\xc2\x9b"
                            "2J") == "\\x9b2J");
    // U+202E turns the direction of writing.
    CHECK(safe_for_terminal("a\xe2\x80\xae"
                            "b") == "a\\u{202e}b");
    // U+061C does so too, and U+200B and U+FEFF are not visible at all.
    CHECK(safe_for_terminal("a\xd8\x9c\xe2\x80\x8b\xef\xbb\xbf") == "a\\u{061c}\\u{200b}\\u{feff}");
    CHECK(safe_for_terminal("\xff\xfe ok") == "\\xff\\xfe ok");
    CHECK(safe_for_terminal(std::string_view("\0", 1)) == "\\x00");
}

TEST_CASE("a Chinese character has two columns, and a combining mark none") {
    CHECK(columns_of("lamp") == 4);
    CHECK(columns_of("größe") == 5);
    CHECK(columns_of("e\xcc\x81") == 1);
    CHECK(columns_of("温度") == 4);
    CHECK(columns_of("💡") == 2);
    CHECK(columns_of("") == 0);
}

TEST_CASE("text for a pipe stays as it is") {
    Console console;
    CHECK(shown(console, "\x1b[2J") == "\x1b[2J");
    console.is_terminal = true;
    CHECK(shown(console, "\x1b[2J") == "\\x1b[2J");
}
