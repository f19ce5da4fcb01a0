#include "nearest.hpp"

#include <doctest/doctest.h>

#include <array>

using namespace ledge::config;

TEST_CASE("edit distance counts insertions, deletions, replacements and swaps of neighbours") {
    CHECK(edit_distance("", "") == 0);
    CHECK(edit_distance("", "abc") == 3);
    CHECK(edit_distance("abc", "") == 3);
    CHECK(edit_distance("abc", "abc") == 0);
    CHECK(edit_distance("abc", "abd") == 1);
    CHECK(edit_distance("abc", "ac") == 1);
    CHECK(edit_distance("ac", "abc") == 1);
    CHECK(edit_distance("abcd", "acbd") == 1);
    CHECK(edit_distance("kitten", "sitting") == 3);
    const std::string longest(nearest_bytes_max, 'x');
    CHECK(edit_distance(longest, std::string(nearest_bytes_max, 'y')) == nearest_bytes_max);
}

TEST_CASE("the nearest key is the one that was meant, or none") {
    const std::array<std::string, 4> keys = {"limits.inflight_max", "limits.queue_bytes_max", "log.level",
                                             "log.format"};
    CHECK(nearest("limits.inflight_mx", keys) == "limits.inflight_max");
    CHECK(nearest("limit.inflight_max", keys) == "limits.inflight_max");
    CHECK(nearest("inflight_max", keys) == "limits.inflight_max");
    CHECK(nearest("mqtt.session.inflight_max", keys) == "limits.inflight_max");
    CHECK(nearest("log.levle", keys) == "log.level");
    CHECK(nearest("persistence.autosave", keys).empty());
    CHECK(nearest("x", keys).empty());
    CHECK(nearest("", keys).empty());
    CHECK(nearest(std::string(nearest_bytes_max + 1, 'l'), keys).empty());
}
