// Rng: SplitMix64. Chance is an argument: whoever needs it is handed one, seeded by the runtime or by a test.
// Not for secrets.
#pragma once

#include <cstdint>

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

    /// Uniform enough in [0, bound); bound > 0.
    std::uint64_t below(std::uint64_t bound) { return next() % bound; }

    /// True once in `n` on average.
    bool one_in(std::uint64_t n) { return below(n) == 0; }

private:
    std::uint64_t state_;
};

}  // namespace ledge
