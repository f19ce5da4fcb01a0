// Figures of the topic module: `name value unit` per line. Argument: number of operations per figure (also caps the
// number of filters at ten times that), without it enough to be worth measuring.
#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <string>
#include <vector>

#include "ledge/base/rng.hpp"
#include "ledge/topic/filter_trie.hpp"
#include "ledge/topic/topic_tree.hpp"

namespace {

std::size_t heap_bytes = 0;  // live blocks as the allocator holds them: usable size and its 8-byte header

void* counted_allocate(std::size_t size) {
    void* block = std::malloc(size);
    if (block == nullptr) throw std::bad_alloc();
    heap_bytes += malloc_usable_size(block) + sizeof(std::size_t);
    return block;
}

void counted_free(void* block) {
    if (block != nullptr) heap_bytes -= malloc_usable_size(block) + sizeof(std::size_t);
    std::free(block);
}

}  // namespace

void* operator new(std::size_t size) { return counted_allocate(size); }
void operator delete(void* block) noexcept { counted_free(block); }
void operator delete(void* block, std::size_t) noexcept { counted_free(block); }
void* operator new[](std::size_t size) { return counted_allocate(size); }
void operator delete[](void* block) noexcept { counted_free(block); }
void operator delete[](void* block, std::size_t) noexcept { counted_free(block); }

namespace {

using ledge::FilterId;
using ledge::Rng;
using ledge::topic::FilterTrie;
using ledge::topic::TopicId;
using ledge::topic::TopicTree;
using Texts = std::vector<std::string>;

constexpr std::uint64_t seed = 20261122;

void print(const char* name, std::size_t size, double value, const char* unit) {
    std::printf("%s_%zu %.1f %s\n", name, size, value, unit);
}

/// Nanoseconds per call of `work(i)`, i from 0 to count - 1; `work` returns a number so that it is not optimised away.
template <class Work>
double time_ns(std::size_t count, Work&& work) {
    volatile std::size_t sink = 0;
    std::size_t sum = 0;
    const auto start = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < count; ++i) sum += static_cast<std::size_t>(work(i));
    const std::chrono::duration<double, std::nano> spent = std::chrono::steady_clock::now() - start;
    sink = sum;
    (void)sink;
    return spent.count() / static_cast<double>(std::max<std::size_t>(count, 1));
}

/// One of 48 million topics of a building estate, cut after `levels` of six.
std::string random_topic(Rng& rng, unsigned levels) {
    static constexpr const char* metrics[] = {"temperature", "humidity", "co2",   "power",
                                              "door",        "light",    "state", "alarm"};
    char text[96];
    const int size = std::snprintf(text, sizeof text, "site%02u/building%02u/floor%u/room%03u/sensor%02u/%s",
                                   static_cast<unsigned>(rng.below(40)), static_cast<unsigned>(rng.below(25)),
                                   static_cast<unsigned>(rng.below(10)), static_cast<unsigned>(rng.below(200)),
                                   static_cast<unsigned>(rng.below(30)), metrics[rng.below(8)]);
    std::string topic(text, static_cast<std::size_t>(size));
    for (unsigned cut = 6; cut > levels; --cut) topic.resize(topic.rfind('/'));
    return topic;
}

std::string with_plus(std::string topic, std::uint64_t level) {
    std::size_t begin = 0;
    for (; level > 0; --level) begin = topic.find('/', begin) + 1;
    const std::size_t end = std::min(topic.find('/', begin), topic.size());
    return topic.replace(begin, end - begin, "+");
}

/// 70 % exact, 22 % with one or two '+', 8 % with '#' after three to five levels.
std::string random_filter(Rng& rng) {
    const std::uint64_t kind = rng.below(100);
    if (kind < 70) return random_topic(rng, 6);
    if (kind < 92) {
        std::string filter = with_plus(random_topic(rng, 6), rng.below(6));
        return rng.one_in(2) ? with_plus(std::move(filter), rng.below(6)) : filter;
    }
    return random_topic(rng, 3 + static_cast<unsigned>(rng.below(3))) + "/#";
}

Texts make_texts(std::size_t count, auto&& make) {
    Rng rng(seed + count);
    Texts texts;
    texts.reserve(count);
    for (std::size_t i = 0; i < count; ++i) texts.push_back(make(rng));
    return texts;
}

void measure_match(const char* name, const FilterTrie& trie, const Texts& topics, std::size_t operations) {
    std::vector<FilterId> found;
    found.reserve(1024);
    std::size_t hits = 0;
    std::size_t visits = 0;
    const double ns = time_ns(operations, [&](std::size_t i) {
        found.clear();
        visits += trie.match(topics[i % topics.size()], found);
        hits += found.size();
        return found.size();
    });
    const double count = static_cast<double>(operations);
    std::printf("%s_%zu %.1f ns (%.2f hits, %.1f visits)\n", name, trie.size(), ns, static_cast<double>(hits) / count,
                static_cast<double>(visits) / count);
}

void bench_filters(std::size_t filters_wanted, std::size_t operations) {
    FilterTrie trie(seed);
    Rng rng(seed);
    const Texts filters = make_texts(filters_wanted + filters_wanted / 8, random_filter);
    const std::size_t before = heap_bytes;
    std::size_t used = 0;
    const double insert_ns = time_ns(filters.size(), [&](std::size_t i) {
        if (trie.size() == filters_wanted) return 0U;
        ++used;
        return trie.insert(filters[i]).id.value();
    });
    const double scale = static_cast<double>(filters.size()) / static_cast<double>(used);
    const auto per_filter = [&](std::size_t bytes) {
        return static_cast<double>(bytes) / static_cast<double>(trie.size());
    };
    print("filter_insert", trie.size(), insert_ns * scale, "ns");
    print("filter_bytes", trie.size(), per_filter(heap_bytes - before), "bytes");
    print("filter_bytes_own_count", trie.size(), per_filter(trie.bytes()), "bytes");

    for (const unsigned levels : {5U, 6U}) {
        const auto make = [levels](Rng& r) { return random_topic(r, levels); };
        measure_match(levels == 5 ? "match_5_levels" : "match_6_levels", trie,
                      make_texts(std::min<std::size_t>(200'000, operations), make), operations);
        measure_match(levels == 5 ? "match_5_levels_hot" : "match_6_levels_hot", trie,
                      make_texts(std::min<std::size_t>(1000, operations), make), operations);
    }

    std::vector<FilterId> ids;
    for (const std::string& filter : filters) {
        if (const auto id = trie.find(filter)) ids.push_back(*id);
    }
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    for (std::size_t i = ids.size(); i > 1; --i) std::swap(ids[i - 1], ids[rng.below(i)]);
    const std::size_t size = trie.size();
    print("filter_erase", size,
          time_ns(ids.size(),
                  [&](std::size_t i) {
                      trie.erase(ids[i]);
                      return 0;
                  }),
          "ns");
    print("filter_bytes_after_erase", size,
          static_cast<double>(heap_bytes - before) - static_cast<double>(ids.capacity() * sizeof(FilterId) + 16),
          "bytes");
}

/// What most publications meet: a few hundred exact filters, and the same with a few wildcard filters beside.
void bench_small(std::size_t operations) {
    FilterTrie trie(seed);
    const auto make = [](Rng& r) { return random_topic(r, 5); };
    const Texts topics = make_texts(200, make);
    for (const std::string& topic : topics) trie.insert(topic);
    measure_match("match_exact_only", trie, topics, operations);
    trie.insert("#");
    trie.insert("alarms/+/state");
    trie.insert("+/+/floor1/#");
    measure_match("match_exact_and_three_wildcards", trie, topics, operations);
}

/// All combinations of a level and '+' in ten levels, with a last level that the topic does not have.
void bench_attack(std::size_t operations) {
    FilterTrie trie(seed);
    for (unsigned bits = 0; bits < 1024; ++bits) {
        std::string filter;
        for (unsigned level = 0; level < 10; ++level) filter += (bits >> level & 1U) != 0 ? "+/" : "a/";
        trie.insert(filter + "+/x");
    }
    measure_match("match_attack", trie, {"a/a/a/a/a/a/a/a/a/a/a/y"}, std::max<std::size_t>(operations / 1000, 1));
}

void bench_topics(std::size_t topics_wanted, std::size_t operations) {
    TopicTree tree(seed);
    const Texts topics = make_texts(topics_wanted, [](Rng& r) { return random_topic(r, 6); });
    const std::size_t before = heap_bytes;
    std::vector<TopicId> ids;
    ids.reserve(topics.size());
    const std::size_t ids_bytes = heap_bytes - before;
    const double insert_ns = time_ns(topics.size(), [&](std::size_t i) {
        const auto inserted = tree.insert(topics[i]);
        if (inserted.is_new) ids.push_back(inserted.id);
        return inserted.id;
    });
    print("topic_insert", tree.size(), insert_ns, "ns");
    print("topic_bytes", tree.size(),
          static_cast<double>(heap_bytes - before - ids_bytes) / static_cast<double>(tree.size()), "bytes");
    print("topic_find", tree.size(),
          time_ns(operations, [&](std::size_t i) { return *tree.find(topics[i % topics.size()]); }), "ns");
    std::vector<TopicId> found;
    for (const char* filter : {"#", "+/+/+/+/+/humidity", "+/+/floor3/#", "site01/building01/#", "+/+/+/+/+/none"}) {
        found.clear();
        const double ns = time_ns(std::max<std::size_t>(operations / 50'000, 1), [&](std::size_t) {
            found.clear();
            tree.match(filter, found);
            return found.size();
        });
        std::printf("topic_match[%s]_%zu %.1f us (%zu hits)\n", filter, tree.size(), ns / 1000, found.size());
    }
    const std::size_t size = tree.size();
    print("topic_erase", size,
          time_ns(ids.size(),
                  [&](std::size_t i) {
                      tree.erase(ids[i]);
                      return 0;
                  }),
          "ns");
}

}  // namespace

int main(int argument_count, char** arguments) {
    const bool is_scaled = argument_count > 1;
    const std::size_t operations = is_scaled ? std::strtoull(arguments[1], nullptr, 10) : 2'000'000;
    const std::size_t size_max = is_scaled ? operations * 10 : 1'000'000;
    std::printf("trie_object_size %zu bytes\ntree_object_size %zu bytes\n", sizeof(FilterTrie), sizeof(TopicTree));
    bench_small(operations);
    bench_attack(operations);
    for (const std::size_t size : {1000U, 100'000U, 1'000'000U})
        bench_filters(std::min<std::size_t>(size, size_max), operations);
    bench_topics(std::min<std::size_t>(100'000, size_max), operations);
}
