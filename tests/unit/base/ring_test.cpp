#include "ledge/base/ring.hpp"

#include <doctest/doctest.h>

#include <deque>
#include <memory>

#include "ledge/base/rng.hpp"

using namespace ledge;

TEST_CASE("an empty ring owns no memory") {
    Ring<int> ring;
    CHECK(ring.empty());
    CHECK(ring.capacity() == 0);
    ring.shrink();
    CHECK(ring.capacity() == 0);
}

TEST_CASE("a ring gives back in order what it was given") {
    Ring<int> ring;
    std::deque<int> reference;
    Rng rng(3);
    for (int i = 0; i < 5000; ++i) {
        const std::uint64_t what = rng.below(20);
        if (what < 10 || reference.empty()) {
            CHECK(ring.push_back(i) == i);
            reference.push_back(i);
        } else if (what < 19) {
            CHECK(ring.pop_front() == reference.front());
            reference.pop_front();
        } else {
            ring.shrink();
            CHECK(ring.capacity() < 2 * reference.size() + 2);
        }
        REQUIRE(ring.size() == reference.size());
        if (reference.empty()) continue;
        const std::size_t index = rng.below(reference.size());
        CHECK(ring[index] == reference[index]);
        CHECK(ring.front() == reference.front());
        CHECK(ring.back() == reference.back());
    }
}

TEST_CASE("a ring lets go of what was taken out and of everything when cleared") {
    const auto counted = std::make_shared<int>(1);
    Ring<std::shared_ptr<int>> ring;
    for (int i = 0; i < 3; ++i) ring.push_back(counted);
    CHECK(counted.use_count() == 4);
    ring.pop_front();
    CHECK(counted.use_count() == 3);
    ring.clear();
    CHECK(counted.use_count() == 1);
    CHECK(ring.capacity() == 0);
    ring.push_back(counted);
    CHECK(ring.size() == 1);
}
