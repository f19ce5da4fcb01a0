#include "ledge/base/text_hash.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

using namespace ledge;

namespace {

/// The fullest of 1024 equal parts of the hash range.
std::size_t fullest_part(const std::vector<std::uint32_t>& hashes) {
    std::vector<std::size_t> parts(1024);
    for (const std::uint32_t hash : hashes) ++parts[hash >> 22U];
    return *std::max_element(parts.begin(), parts.end());
}

}  // namespace

TEST_CASE("the folded product is the XOR of both halves of the full product") {
    CHECK(fold_multiply(0, 0xffff'ffff'ffff'ffff) == 0);
    CHECK(fold_multiply(3, 5) == 15);
    CHECK(fold_multiply(0xffff'ffff'ffff'ffff, 0xffff'ffff'ffff'ffff) == (0xffff'ffff'ffff'fffe ^ 1U));
    CHECK(fold_multiply(0x1'0000'0001, 0x1'0000'0001) == (0x1U ^ 0x2'0000'0001U));
}

TEST_CASE("every byte of a text of any length counts, and its length") {
    const TextHash hash(42);
    for (std::size_t size = 0; size < 70; ++size) {
        std::set<std::uint32_t> seen{hash(std::string(size, 'a'))};
        for (std::size_t i = 0; i < size; ++i) {
            std::string text(size, 'a');
            text[i] = 'b';
            seen.insert(hash(text));
        }
        CHECK(seen.size() == size + 1);
        CHECK(hash(std::string(size, '\0')) != hash(std::string(size + 1, '\0')));
    }
}

TEST_CASE("the seed decides: what collides under one seed does not under another") {
    const TextHash one(1);
    const TextHash two(2);
    std::vector<std::uint32_t> under_two;
    for (int i = 0; under_two.size() < 2000; ++i) {
        const std::string text = "client/" + std::to_string(i);
        if (one(text) >> 22U == 0) under_two.push_back(two(text));  // all of them in one part under the first
    }
    CHECK(fullest_part(under_two) < 20);
}

TEST_CASE("texts and pairs that differ in little are spread evenly") {
    const TextHash hash(9);
    std::vector<std::uint32_t> texts;
    std::vector<std::uint32_t> pairs;
    for (std::uint32_t i = 0; i < 100'000; ++i) {
        texts.push_back(hash("site/7/device/" + std::to_string(i)));
        pairs.push_back(hash(i / 300, i % 300));
    }
    CHECK(fullest_part(texts) < 150);  // 98 on average; 150 is more than five deviations away
    CHECK(fullest_part(pairs) < 150);
}
