#include "ledge/topic/detail/pool.hpp"

#include <doctest/doctest.h>

#include <map>

#include "ledge/base/rng.hpp"

using namespace ledge::topic::detail;

namespace {

struct Item {
    std::uint32_t value;
    std::uint32_t link;
    std::uint32_t next_free() const { return link; }
    void set_next_free(std::uint32_t next) { link = next; }
};

}  // namespace

TEST_CASE("numbers are dense and those given back are used again first") {
    Pool<Item> pool;
    for (std::uint32_t i = 0; i < 2000; ++i) CHECK(pool.take({i, 0}) == i);
    pool.give_back(700);
    pool.give_back(3);
    CHECK(pool.take({1, 0}) == 3);
    CHECK(pool.take({2, 0}) == 700);
    CHECK(pool.take({3, 0}) == 2000);
}

TEST_CASE("values survive growth, and the numbers stay below the highest count of live items") {
    Pool<Item> pool;
    std::map<std::uint32_t, std::uint32_t> model;
    std::size_t most = 0;
    ledge::Rng rng(5);
    for (std::uint32_t round = 0; round < 50'000; ++round) {
        if (model.size() > 1500 || (!model.empty() && rng.one_in(3))) {
            const auto any = model.lower_bound(static_cast<std::uint32_t>(rng.below(model.rbegin()->first + 1)));
            pool.give_back(any->first);
            model.erase(any);
        } else {
            model[pool.take({round, 0})] = round;
        }
        most = std::max(most, model.size());
        REQUIRE(pool.size() == model.size());
    }
    CHECK(pool.used() <= most);
    for (const auto& [number, value] : model) CHECK(pool[number].value == value);
}

TEST_CASE("an empty pool owns no memory, also after use") {
    Pool<Item> pool;
    CHECK(pool.bytes() == 0);
    for (std::uint32_t i = 0; i < 600; ++i) pool.take({i, 0});
    CHECK(pool.bytes() >= 600 * sizeof(Item));
    for (std::uint32_t i = 0; i < 600; ++i) pool.give_back(i);
    CHECK(pool.bytes() == 0);
    CHECK(pool.take({0, 0}) == 0);
}

TEST_CASE("a pool with a few items is small and a large one has at most a chunk too much") {
    Pool<Item> pool;
    for (std::uint32_t i = 0; i < 4; ++i) pool.take({i, 0});
    CHECK(pool.bytes() <= 4 * sizeof(Item) + 64);
    for (std::uint32_t i = 4; i < 10'000; ++i) pool.take({i, 0});
    CHECK(pool.bytes() <= (10'000 + 512) * sizeof(Item) + 64 * sizeof(void*));
}
