#include "ledge/topic/detail/id_table.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <vector>

#include "ledge/base/rng.hpp"

using namespace ledge::topic::detail;
using ledge::Rng;

namespace {

std::uint32_t find(const IdTable& table, std::uint32_t hash, std::uint32_t id) {
    return table.find(hash, [id](std::uint32_t other) { return other == id; });
}

void compare_with_model(std::uint32_t hashes, int rounds) {
    IdTable table;
    std::map<std::uint32_t, std::uint32_t> model;  // id to hash
    Rng rng(hashes);
    for (int round = 0; round < rounds; ++round) {
        const std::uint32_t id = static_cast<std::uint32_t>(rng.below(500));
        if (const auto known = model.find(id); known != model.end()) {
            table.erase(known->second, id);
            model.erase(known);
        } else {
            const std::uint32_t hash = static_cast<std::uint32_t>(rng.below(hashes) * (0xffff'ffffU / hashes));
            table.insert(hash, id);
            model[id] = hash;
        }
        REQUIRE(table.size() == model.size());
    }
    for (const auto& [id, hash] : model) {
        CHECK(find(table, hash, id) == id);
        CHECK(find(table, hash ^ 1U, id) == none);
    }
    std::vector<std::uint32_t> seen;
    table.for_each([&](std::uint32_t id) { seen.push_back(id); });
    std::sort(seen.begin(), seen.end());
    CHECK(std::equal(seen.begin(), seen.end(), model.begin(), model.end(),
                     [](std::uint32_t id, const auto& entry) { return id == entry.first; }));
}

}  // namespace

TEST_CASE("an empty table finds nothing and owns nothing") {
    const IdTable table;
    CHECK(find(table, 17, 0) == none);
    CHECK(table.bytes() == 0);
}

TEST_CASE("random insert and erase agree with a model: scattered, crowded and colliding hashes") {
    compare_with_model(0xffff'ffff, 20'000);
    compare_with_model(50, 20'000);
    compare_with_model(2, 5'000);
    compare_with_model(1, 5'000);
}

TEST_CASE("seats at the end of the table wrap to its start and come back when the gap closes") {
    IdTable table;
    for (std::uint32_t id = 0; id < 6; ++id) table.insert(0xffff'ffff, id);
    table.insert(0, 6);
    table.erase(0xffff'ffff, 0);
    table.erase(0xffff'ffff, 3);
    CHECK(find(table, 0xffff'ffff, 0) == none);
    for (const std::uint32_t id : {1U, 2U, 4U, 5U}) CHECK(find(table, 0xffff'ffff, id) == id);
    CHECK(find(table, 0, 6) == 6);
}

TEST_CASE("the table is between a quarter and four fifths full and gives memory back") {
    IdTable table;
    Rng rng(3);
    std::vector<std::uint32_t> hashes;
    for (std::uint32_t id = 0; id < 10'000; ++id) {
        hashes.push_back(static_cast<std::uint32_t>(rng.next()));
        table.insert(hashes.back(), id);
        if (id > 100) REQUIRE(table.bytes() <= (id + 1) * 8 * 2);
    }
    for (std::uint32_t id = 9'999; id > 100; --id) {
        table.erase(hashes[id], id);
        REQUIRE(table.bytes() <= id * 8 * 4 + 64);
    }
    for (std::uint32_t id = 0; id <= 100; ++id) table.erase(hashes[id], id);
    CHECK(table.bytes() == 0);
}
