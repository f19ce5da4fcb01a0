#include "ledge/topic/levels.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

using ledge::topic::LevelSplitter;

namespace {

std::vector<std::string> levels_of(std::string_view text) {
    std::vector<std::string> levels;
    for (LevelSplitter splitter(text); !splitter.is_done();) levels.emplace_back(splitter.next());
    return levels;
}

using Levels = std::vector<std::string>;

}  // namespace

TEST_CASE("a text is split at each slash, and levels may be empty") {
    CHECK(levels_of("a") == Levels{"a"});
    CHECK(levels_of("sport/tennis/#") == Levels{"sport", "tennis", "#"});
    CHECK(levels_of("/a") == Levels{"", "a"});
    CHECK(levels_of("a//b/") == Levels{"a", "", "b", ""});
    CHECK(levels_of("/") == Levels{"", ""});
}

TEST_CASE("the empty text has one empty level, also when its view has no data") {
    CHECK(levels_of("") == Levels{""});
    CHECK(levels_of(std::string_view()) == Levels{""});
}

TEST_CASE("a copy of a splitter goes on from the same level, and the original stays where it is") {
    LevelSplitter original("a/b/c");
    CHECK(original.next() == "a");
    LevelSplitter copy = original;
    CHECK(copy.next() == "b");
    CHECK(copy.next() == "c");
    CHECK(copy.is_done());
    CHECK(original.next() == "b");
}
