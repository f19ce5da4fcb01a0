#include "ledge/base/rng.hpp"

#include <doctest/doctest.h>

#include <array>

using namespace ledge;

TEST_CASE("a seed names one sequence, that of SplitMix64") {
    Rng rng(1234567);  // the first values of the published reference for this seed
    CHECK(rng.next() == 6457827717110365317U);
    CHECK(rng.next() == 3203168211198807973U);
    CHECK(rng.next() == 9817491932198370423U);
}

TEST_CASE("below stays below and reaches everything") {
    Rng rng(1);
    std::array<int, 7> hits{};
    for (int i = 0; i < 7000; ++i) ++hits.at(rng.below(7));
    for (const int count : hits) CHECK(count > 800);
    CHECK(rng.below(1) == 0);
}

TEST_CASE("one_in(n) is true about once in n") {
    Rng rng(2);
    int hits = 0;
    for (int i = 0; i < 10'000; ++i) hits += rng.one_in(10) ? 1 : 0;
    CHECK(hits > 900);
    CHECK(hits < 1100);
    CHECK(rng.one_in(1));
}
