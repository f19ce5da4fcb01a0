#include "ledge/topic/topic_tree.hpp"

#include <doctest/doctest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "ledge/base/rng.hpp"
#include "random_texts.hpp"

using namespace ledge::topic;
using ledge::Rng;

namespace {

using Texts = std::multiset<std::string>;
using Model = std::map<std::string, TopicId>;

std::string text_of(const TopicTree& tree, TopicId id) {
    std::string text = "<";
    tree.append_topic(id, text);
    return text.substr(1);
}

Texts texts_of(const TopicTree& tree, const std::vector<TopicId>& ids) {
    Texts texts;
    for (const TopicId id : ids) texts.insert(text_of(tree, id));
    return texts;
}

Texts matching(const TopicTree& tree, std::string_view filter) {
    std::vector<TopicId> found;
    tree.match(filter, found);
    return texts_of(tree, found);
}

Texts matching_in_portions(const TopicTree& tree, const Model& model, std::string_view filter, std::size_t portion) {
    std::vector<TopicId> all;
    for (const auto& [topic, id] : model) all.push_back(id);
    std::vector<TopicId> found;
    for (std::span<const TopicId> rest(all); !rest.empty();) {
        const auto next = rest.first(std::min(portion, rest.size()));
        if (!tree.match_among(filter, next, found)) break;
        rest = rest.subspan(next.size());
    }
    return texts_of(tree, found);
}

Texts expected(const Model& model, std::string_view filter) {
    Texts texts;
    for (const auto& [topic, id] : model) {
        if (matches(filter, topic)) texts.insert(topic);
    }
    return texts;
}

void compare_with_reference(std::uint64_t seed, std::size_t wanted, int rounds) {
    TopicTree tree(seed);
    Model model;
    Rng rng(seed);
    for (int round = 0; round < rounds; ++round) {
        const std::string topic = random_topic(rng);
        CAPTURE(topic);
        const auto known = model.find(topic);
        REQUIRE(tree.find(topic) == (known == model.end() ? std::nullopt : std::optional(known->second)));
        if (rng.below(2 * wanted) >= model.size()) {
            const auto [id, is_new] = tree.insert(topic);
            REQUIRE(is_new == (known == model.end()));
            if (!is_new) REQUIRE(id == known->second);
            model[topic] = id;
        } else {
            auto victim = model.lower_bound(topic);
            if (victim == model.end()) victim = model.begin();
            tree.erase(victim->second);
            model.erase(victim);
        }
        REQUIRE(tree.size() == model.size());
        const std::string filter = random_filter(rng);
        CAPTURE(filter);
        const Texts texts = expected(model, filter);
        REQUIRE(matching(tree, filter) == texts);
        REQUIRE(matching_in_portions(tree, model, filter, 1 + rng.below(50)) == texts);
    }
    for (const auto& [topic, id] : model) CHECK(text_of(tree, id) == topic);
    for (const auto& [topic, id] : model) tree.erase(id);
    CHECK(tree.bytes() == 0);
}

}  // namespace

TEST_CASE("an empty tree matches nothing, finds nothing and owns no memory") {
    const TopicTree tree(1);
    CHECK(matching(tree, "#").empty());
    CHECK(matching_in_portions(tree, {}, "#", 10).empty());
    CHECK_FALSE(tree.find("a"));
    CHECK(tree.bytes() == 0);
    CHECK(sizeof(TopicTree) <= 256);
}

TEST_CASE("random topics that come and go are matched like the reference says") {
    compare_with_reference(1, 2, 4000);
    compare_with_reference(2, 20, 4000);
    compare_with_reference(3, 200, 4000);
    compare_with_reference(4, 1000, 2500);
}

TEST_CASE("[MQTT-4.7.2-1] '#' and '+' at the first level leave '$' topics out") {
    TopicTree tree(1);
    for (const char* topic : {"$SYS/a", "$SYS", "$x/a", "x/a", "/a", "a"}) tree.insert(topic);
    CHECK(matching(tree, "#") == Texts{"x/a", "/a", "a"});
    CHECK(matching(tree, "+/a") == Texts{"x/a", "/a"});
    CHECK(matching(tree, "+") == Texts{"a"});
    CHECK(matching(tree, "$SYS/#") == Texts{"$SYS/a", "$SYS"});
    CHECK(matching(tree, "$x/+") == Texts{"$x/a"});
}

TEST_CASE("a walk can be stopped") {
    TopicTree tree(1);
    for (int i = 0; i < 10; ++i) tree.insert("a/" + std::to_string(i));
    int calls = 0;
    CHECK_FALSE(tree.for_each_match("a/+", [&](TopicId) { return ++calls < 4; }));
    CHECK(calls == 4);
    CHECK(tree.for_each_match("a/+", [&](TopicId) { return ++calls > 0; }));
    CHECK(calls == 14);
}

TEST_CASE("a filter that no topic can match says so before it looks at any") {
    TopicTree tree(1);
    const TopicId id = tree.insert("a/b").id;
    std::vector<TopicId> found;
    CHECK_FALSE(tree.match_among("c/#", std::vector<TopicId>{id}, found));
    CHECK(tree.match_among("a/+/+", std::vector<TopicId>{id}, found));
    CHECK(found.empty());
    CHECK(tree.match_among("+/b", std::vector<TopicId>{id, id}, found));
    CHECK(found == std::vector<TopicId>{id, id});
}

TEST_CASE("ids are dense and given again, memory does not grow while topics come and go") {
    TopicTree tree(1);
    Rng rng(11);
    std::vector<TopicId> live;
    for (int i = 0; i < 1000; ++i) live.push_back(tree.insert("topic/" + std::to_string(i)).id);
    std::size_t most = 0;
    for (int generation = 0; generation < 50; ++generation) {
        for (TopicId& id : live) {
            tree.erase(id);
            id = tree.insert(std::to_string(rng.next()) + "/device/" + std::to_string(rng.below(50))).id;
            REQUIRE(id < live.size());
        }
        if (generation < 5) most = std::max(most, tree.bytes());
        REQUIRE(tree.bytes() <= most + most / 4);
    }
    for (const TopicId id : live) tree.erase(id);
    CHECK(tree.bytes() == 0);
}

TEST_CASE("an only child, then siblings, then an only child again: each is found all the time") {
    TopicTree tree(1);
    const TopicId first = tree.insert("a/1").id;
    const TopicId second = tree.insert("a/2").id;
    const TopicId third = tree.insert("a/3").id;
    CHECK(tree.find("a/1") == first);
    tree.erase(second);
    CHECK(tree.find("a/3") == third);
    CHECK_FALSE(tree.find("a/2"));
    tree.erase(third);
    CHECK(tree.find("a/1") == first);
    CHECK_FALSE(tree.find("a/3"));
    CHECK(tree.insert("a/4").is_new);
    CHECK(matching(tree, "a/+") == Texts{"a/1", "a/4"});
}

TEST_CASE("the deepest topics and filters that are allowed") {
    TopicTree tree(1);
    std::string topic = "a";
    std::string plus = "+";
    for (std::uint32_t level = 1; level < levels_hard_max; ++level) {
        topic += "/a";
        plus += "/+";
    }
    tree.insert(topic);
    tree.insert("a/a");
    CHECK(matching(tree, plus) == Texts{topic});
    CHECK(matching(tree, topic) == Texts{topic});
    CHECK(matching(tree, "#") == Texts{topic, "a/a"});
    Model model;
    for (const std::string& one : {topic, std::string("a/a")}) model[one] = *tree.find(one);
    CHECK(matching_in_portions(tree, model, plus.substr(0, plus.size() - 1) + "#", 1) == Texts{topic});
    CHECK(matching(tree, topic.substr(0, topic.size() - 1) + "#") == Texts{topic});
}

TEST_CASE("ten thousand topics of a regular site cost little memory each") {
    TopicTree tree(1);
    for (int i = 0; i < 10'000; ++i) {
        tree.insert("site/" + std::to_string(i / 1000) + "/device" + std::to_string(i / 10) + "/m" +
                    std::to_string(i % 10));
    }
    CHECK(tree.size() == 10'000);
    CHECK(tree.bytes() / tree.size() < 64);
}
