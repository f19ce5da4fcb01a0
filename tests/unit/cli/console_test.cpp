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
    CHECK(safe_for_terminal("\xff\xfe ok") == "\\xff\\xfe ok");
    CHECK(safe_for_terminal(std::string_view("\0", 1)) == "\\x00");
}

TEST_CASE("text for a pipe stays as it is") {
    Console console;
    CHECK(shown(console, "\x1b[2J") == "\x1b[2J");
    console.is_terminal = true;
    CHECK(shown(console, "\x1b[2J") == "\\x1b[2J");
}
