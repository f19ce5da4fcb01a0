#include "ledge/topic/filter_trie.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "ledge/base/rng.hpp"
#include "ledge/topic/name.hpp"
#include "random_texts.hpp"

using namespace ledge::topic;
using ledge::FilterId;
using ledge::Rng;

namespace {

using Texts = std::multiset<std::string>;

std::string text_of(const FilterTrie& trie, FilterId id) {
    std::string text = "<";
    trie.append_filter(id, text);
    return text.substr(1);
}

Texts matching(const FilterTrie& trie, std::string_view topic) {
    std::vector<FilterId> found;
    trie.match(topic, found);
    Texts texts;
    for (const FilterId id : found) texts.insert(text_of(trie, id));
    return texts;
}

Texts expected(const std::map<std::string, FilterId>& model, std::string_view topic) {
    Texts texts;
    for (const auto& [filter, id] : model) {
        if (matches(filter, topic)) texts.insert(filter);
    }
    return texts;
}

/// Filters come and go at random around `wanted` of them; every so often all questions are asked.
void compare_with_reference(std::uint64_t seed, std::size_t wanted, int rounds) {
    FilterTrie trie(seed);
    std::map<std::string, FilterId> model;
    Rng rng(seed);
    for (int round = 0; round < rounds; ++round) {
        const std::string filter = random_filter(rng);
        CAPTURE(filter);
        const auto known = model.find(filter);
        REQUIRE(trie.find(filter) == (known == model.end() ? std::nullopt : std::optional(known->second)));
        if (rng.below(2 * wanted) >= model.size()) {
            const auto [id, is_new] = trie.insert(filter);
            REQUIRE(is_new == (known == model.end()));
            if (!is_new) REQUIRE(id == known->second);
            model[filter] = id;
        } else {
            auto victim = model.lower_bound(filter);
            if (victim == model.end()) victim = model.begin();
            trie.erase(victim->second);
            model.erase(victim);
        }
        REQUIRE(trie.size() == model.size());
        const std::string topic = random_topic(rng);
        CAPTURE(topic);
        REQUIRE(matching(trie, topic) == expected(model, topic));
    }
    for (const auto& [filter, id] : model) CHECK(text_of(trie, id) == filter);
    for (const auto& [filter, id] : model) trie.erase(id);
    CHECK(trie.bytes() == 0);
}

}  // namespace

TEST_CASE("an empty trie matches nothing, finds nothing and owns no memory") {
    const FilterTrie trie(1);
    std::vector<FilterId> found;
    CHECK(trie.match("a/b", found) == 0);
    CHECK(found.empty());
    CHECK_FALSE(trie.find("a/b"));
    CHECK_FALSE(trie.find("a/+"));
    CHECK(trie.bytes() == 0);
    CHECK(sizeof(FilterTrie) <= 256);
}

TEST_CASE("a filter is found under the id of its insert, a second insert returns it again") {
    FilterTrie trie(1);
    for (const char* filter : {"a/b", "a/+", "a/#", "#", "+", "/", "/+", "+/", "$SYS/#"}) {
        CAPTURE(filter);
        const auto first = trie.insert(filter);
        CHECK(first.is_new);
        const auto second = trie.insert(filter);
        CHECK_FALSE(second.is_new);
        CHECK(second.id == first.id);
        CHECK(trie.find(filter) == first.id);
        CHECK(text_of(trie, first.id) == filter);
    }
    CHECK(trie.size() == 9);
    for (const char* filter : {"a", "a/b/", "b/+", "a/b/#", "+/+", "a/+/#", "$SYS"}) CHECK_FALSE(trie.find(filter));
}

TEST_CASE("match appends and does not clear") {
    FilterTrie trie(1);
    const FilterId id = trie.insert("a").id;
    std::vector<FilterId> found{FilterId{77}};
    trie.match("a", found);
    CHECK(found == std::vector<FilterId>{FilterId{77}, id});
}

TEST_CASE("random filters that come and go match like the reference says") {
    compare_with_reference(1, 2, 4000);
    compare_with_reference(2, 20, 4000);
    compare_with_reference(3, 200, 4000);
    compare_with_reference(4, 1000, 2500);
}

TEST_CASE("[MQTT-4.7.2-1] leading wildcards do not match '$' topics, others do") {
    FilterTrie trie(1);
    for (const char* filter : {"#", "+/a", "+/#", "$SYS/#", "$SYS/+", "$SYS/a"}) trie.insert(filter);
    CHECK(matching(trie, "$SYS/a") == Texts{"$SYS/#", "$SYS/+", "$SYS/a"});
    CHECK(matching(trie, "x/a") == Texts{"#", "+/a", "+/#"});
}

TEST_CASE("ids are dense and given again, memory does not grow while filters come and go") {
    FilterTrie trie(1);
    Rng rng(11);
    std::vector<FilterId> live;
    const auto replace_all = [&](int generation) {
        for (FilterId& id : live) {
            trie.erase(id);
            const std::string unique = std::to_string(generation) + "-" + std::to_string(rng.next());
            const char* shapes[] = {"site/device/state", "site/+/state", "site/device/#"};
            id = trie.insert(unique + "/" + shapes[rng.below(3)]).id;
            REQUIRE(id.value() < live.size());
        }
    };
    for (std::size_t i = 0; i < 1000; ++i) live.push_back(trie.insert("filter/" + std::to_string(i)).id);
    replace_all(0);
    std::size_t most = trie.bytes();
    for (int generation = 1; generation < 5; ++generation) {
        replace_all(generation);
        most = std::max(most, trie.bytes());
    }
    for (int generation = 5; generation < 50; ++generation) {
        replace_all(generation);
        REQUIRE(trie.bytes() <= most + most / 4);
    }
    for (const FilterId id : live) trie.erase(id);
    CHECK(trie.size() == 0);
    CHECK(trie.bytes() == 0);
    CHECK(trie.nodes() == 0);
}

TEST_CASE("erase leaves the filters that share its levels") {
    FilterTrie trie(1);
    const FilterId inner = trie.insert("a/+/c").id;
    const FilterId outer = trie.insert("a/+/c/d/+").id;
    const FilterId hash = trie.insert("a/+/#").id;
    trie.erase(outer);
    CHECK(matching(trie, "a/b/c") == Texts{"a/+/c", "a/+/#"});
    trie.erase(inner);
    CHECK(matching(trie, "a/b/c") == Texts{"a/+/#"});
    CHECK(trie.nodes() == 3);  // the root, "a", "a/+"
    trie.erase(hash);
    CHECK(trie.nodes() == 0);
}

TEST_CASE("children that do not fit into their parent are found, whichever is removed first") {
    for (unsigned first : {0U, 1U, 2U}) {
        FilterTrie trie(1);
        const std::string filters[] = {"a/x/+", "a/y/+", "a/z/+"};
        for (const std::string& filter : filters) trie.insert(filter);
        trie.erase(*trie.find(filters[first]));
        trie.insert("a/w/+");
        for (unsigned i = 0; i < 3; ++i)
            CHECK(matching(trie, filters[i].substr(0, 4) + "1").size() == (i == first ? 0 : 1));
        CHECK(matching(trie, "a/w/1") == Texts{"a/w/+"});
    }
}

TEST_CASE("all combinations of '+' and a level are visited once each, with and without a match at the end") {
    FilterTrie trie(1);
    constexpr unsigned levels = 11;
    for (unsigned bits = 0; bits < 1U << levels; ++bits) {
        std::string filter;
        for (unsigned level = 0; level < levels; ++level) filter += (bits >> level & 1U) != 0 ? "+/" : "a/";
        trie.insert(filter + "#");
    }
    std::string topic = "a";
    for (unsigned level = 1; level < levels; ++level) topic += "/a";
    std::vector<FilterId> found;
    const std::size_t visited = trie.match(topic, found);
    CHECK(visited == trie.nodes());
    std::sort(found.begin(), found.end());
    CHECK(std::unique(found.begin(), found.end()) == found.end());
    CHECK(found.size() == trie.size());
    found.clear();
    CHECK(trie.match("b/" + topic, found) < trie.nodes());
}

TEST_CASE("the deepest filters and topics that are allowed, and a topic deeper than any filter") {
    FilterTrie trie(1);
    std::string plus = "+";
    std::string topic = "a";
    for (std::uint32_t level = 1; level < levels_hard_max; ++level) {
        plus += "/+";
        topic += "/a";
    }
    std::string mixed = plus;
    mixed[mixed.size() - 5] = 'a';
    const std::string below = plus.substr(0, plus.size() - 1) + "#";
    for (const std::string& filter : {plus, topic, mixed, below}) {
        trie.insert(filter);
        CHECK(text_of(trie, *trie.find(filter)) == filter);
    }
    CHECK(matching(trie, topic) == Texts{plus, topic, mixed, below});
    CHECK(matching(trie, topic + "/a/a") == Texts{below});
}

TEST_CASE("wide at every depth: more stops wait than the queue takes in order") {
    FilterTrie trie(1);
    std::string spine;
    for (unsigned level = 0; level < 100; ++level) {
        for (const char* branch : {"+/a/#", "a/+/#", "+/+/#", "a/a/+"}) trie.insert(spine + branch);
        spine += level % 2 == 0 ? "a/" : "+/";
    }
    for (unsigned bits = 0; bits < 256; ++bits) {
        std::string filter;
        for (unsigned level = 0; level < 8; ++level) filter += (bits >> level & 1U) != 0 ? "+/" : "a/";
        for (unsigned level = 8; level < 100; ++level) filter += "+/";
        trie.insert(filter + "#");
    }
    std::map<std::string, FilterId> model;
    for (FilterId id; id.value() < trie.size(); ++id) model[text_of(trie, id)] = id;
    std::string topic = "a";
    for (unsigned level = 1; level < 110; ++level) topic += "/a";
    CHECK(matching(trie, topic) == expected(model, topic));
    CHECK(matching(trie, topic).size() > 500);
}

TEST_CASE("a thousand filters cost little memory each") {
    FilterTrie trie(1);
    for (int i = 0; i < 1000; ++i) {
        const std::string device = "site/" + std::to_string(i % 10) + "/device" + std::to_string(i);
        trie.insert(device + (i % 10 < 7 ? "/state" : i % 10 < 9 ? "/+" : "/#"));
    }
    CHECK(trie.bytes() / trie.size() < 105);
}
