// Rng: the random number generator SplitMix64. Code that needs random numbers gets an Rng as an argument, seeded by the
// runtime or by a test, so that a test can repeat a run. Not for secrets: the numbers can be predicted.
#pragma once

#include <cstdint>

#include "ledge/base/assert.hpp"

namespace ledge {

class Rng {
public:
    explicit Rng(std::uint64_t seed) : state_(seed) {}

    std::uint64_t next() {
        std::uint64_t z = (state_ += 0x9e3779b97f4a7c15U);
        z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
        z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
        return z ^ (z >> 31U);
    }

    /// Returns a number in [0, bound). `bound` must be above 0. The small bias of the remainder does not matter here.
    std::uint64_t below(std::uint64_t bound) {
        LEDGE_ASSERT(bound > 0);
        return next() % bound;
    }

    /// Returns true once in `n` calls on average. `n` must be above 0.
    bool one_in(std::uint64_t n) { return below(n) == 0; }

private:
    std::uint64_t state_;
};

}  // namespace ledge
