// Set operations on filters, compared with the definition: the set of topics that topic::matches() accepts.
#include "ledge/bridge/filter_algebra.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "ledge/topic/name.hpp"

namespace ledge::bridge {
namespace {

/// All texts of one to `levels` levels out of `alphabet`.
std::vector<std::string> texts(const std::vector<std::string>& alphabet, int levels) {
    std::vector<std::string> all;
    std::vector<std::string> last = alphabet;
    for (int level = 1; level <= levels; ++level) {
        all.insert(all.end(), last.begin(), last.end());
        std::vector<std::string> longer;
        for (const auto& text : last)
            for (const auto& next : alphabet) longer.push_back(text + "/" + next);
        last = std::move(longer);
    }
    return all;
}

std::vector<std::string> all_filters() {
    std::vector<std::string> all = texts({"a", "$c", "+"}, 3);
    std::vector<std::string> with_hash = {"#"};
    for (const auto& filter : all) with_hash.push_back(filter + "/#");
    all.insert(all.end(), with_hash.begin(), with_hash.end());
    return all;
}

/// The level "b" is in no filter, so only wildcards match it.
const std::vector<std::string>& all_topics() {
    static const std::vector<std::string> topics = texts({"a", "b", "$c"}, 5);
    return topics;
}

using Set = std::vector<bool>;

Set set_of(const std::string& filter) {
    Set set;
    for (const auto& topic : all_topics()) set.push_back(topic::matches(filter, topic));
    return set;
}

struct Known {
    std::string filter;
    Set set;
};

const std::vector<Known>& known() {
    static const std::vector<Known> all = [] {
        std::vector<Known> made;
        for (const auto& filter : all_filters()) made.push_back({filter, set_of(filter)});
        return made;
    }();
    return all;
}

bool is_subset(const Set& a, const Set& b) {
    for (std::size_t i = 0; i < a.size(); ++i)
        if (a[i] && !b[i]) return false;
    return true;
}

Set both(const Set& a, const Set& b) {
    Set set(a.size());
    for (std::size_t i = 0; i < a.size(); ++i) set[i] = a[i] && b[i];
    return set;
}

TEST_CASE("the intersection of two filters matches exactly the topics that both match") {
    for (const Known& a : known()) {
        for (const Known& b : known()) {
            CAPTURE(a.filter);
            CAPTURE(b.filter);
            const Set expected = both(a.set, b.set);
            const bool is_empty = std::find(expected.begin(), expected.end(), true) == expected.end();
            const auto common = intersection(a.filter, b.filter);
            REQUIRE(common.has_value() == !is_empty);
            REQUIRE(intersects(a.filter, b.filter) == !is_empty);
            if (!common) continue;
            REQUIRE(topic::is_valid_filter(*common, topic::levels_hard_max));
            REQUIRE(set_of(*common) == expected);
        }
    }
}

TEST_CASE("a filter covers another one exactly if it matches all of its topics") {
    for (const Known& a : known()) {
        for (const Known& b : known()) {
            CAPTURE(a.filter);
            CAPTURE(b.filter);
            REQUIRE(covers(a.filter, b.filter) == is_subset(b.set, a.set));
        }
    }
}

TEST_CASE("the narrowest cover covers both filters, and every other cover covers it") {
    for (const Known& a : known()) {
        for (const Known& b : known()) {
            CAPTURE(a.filter);
            CAPTURE(b.filter);
            const auto cover = narrowest_cover(a.filter, b.filter);
            const auto is_cover = [&](const Known& other) {
                return covers(other.filter, a.filter) && covers(other.filter, b.filter);
            };
            REQUIRE(cover.has_value() == std::any_of(known().begin(), known().end(), is_cover));
            if (!cover) continue;
            REQUIRE(is_cover({*cover, {}}));
            for (const Known& other : known())
                if (is_cover(other)) REQUIRE(covers(other.filter, *cover));
        }
    }
}

TEST_CASE("examples, as a reader expects them") {
    CHECK(intersection("plant/#", "+/line1/temp") == "plant/line1/temp");
    CHECK(intersection("plant/+/temp", "plant/line1/+") == "plant/line1/temp");
    CHECK(intersection("plant/#", "plant") == "plant");  // '#' includes its parent
    CHECK_FALSE(intersects("plant/+", "plant/a/b"));
    CHECK_FALSE(intersects("#", "$SYS/#"));  // [MQTT-4.7.2-1]
    CHECK_FALSE(intersects("a/", "a"));
    CHECK(covers("#", "+/#"));
    CHECK(covers("+/#", "#"));
    CHECK_FALSE(covers("a/+/#", "a/#"));
    CHECK(narrowest_cover("a/+", "+/b") == "+/+");
    CHECK(narrowest_cover("a/b", "a/b/c") == "a/b/#");
}

}  // namespace
}  // namespace ledge::bridge
