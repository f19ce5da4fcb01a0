// TextHash: a fast keyed hash for tables whose keys unknown peers choose. Both factors of every multiplication contain
// a secret, so nobody can compute colliding inputs without the seed. The hash does not protect secrets. A hash value is
// never stored or sent, because the value depends on the byte order of the machine. Immutable after construction.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "ledge/base/rng.hpp"
#include "ledge/base/wide_multiply.hpp"

namespace ledge {

class TextHash {
public:
    /// The same seed gives the same hash values, so a simulated run can be repeated.
    explicit TextHash(std::uint64_t seed) {
        Rng rng(seed);
        for (std::uint64_t& key : keys_) key = rng.next();
    }

    std::uint32_t operator()(std::string_view text) const {
        const char* at = text.data();
        std::size_t left = text.size();
        std::uint64_t state = keys_[0];
        // 16 bytes per multiplication. The tail of 1 to 16 bytes follows, so the loop leaves at least one byte of a
        // longer text.
        for (; left > 16; at += 16, left -= 16) {
            state = fold_multiply(load<std::uint64_t>(at) ^ keys_[1], load<std::uint64_t>(at + 8) ^ state);
        }
        const auto [a, b] = load_tail(at, left);
        state = fold_multiply(a ^ keys_[2], b ^ state);
        return finish(state, text.size());
    }

    /// The hash of a pair of numbers, such as two ids.
    std::uint32_t operator()(std::uint32_t a, std::uint32_t b) const {
        return finish(keys_[0], (std::uint64_t{a} << 32U) | b);
    }

private:
    struct Tail {
        std::uint64_t a;
        std::uint64_t b;
    };

    template <class Word>
    static Word load(const char* at) {
        // memcpy() and not a cast, because a text may begin at any address.
        Word word;
        std::memcpy(&word, at, sizeof word);
        return word;
    }

    // Returns 0 to 16 bytes in two words. The two reads may overlap, which does no harm, because finish() also hashes
    // the length.
    static Tail load_tail(const char* at, std::size_t size) {
        if (size >= 8) return {load<std::uint64_t>(at), load<std::uint64_t>(at + size - 8)};
        if (size >= 4) return {load<std::uint32_t>(at), load<std::uint32_t>(at + size - 4)};
        if (size == 0) return {0, 0};
        const auto byte = [at](std::size_t i) { return std::uint64_t{static_cast<unsigned char>(at[i])}; };
        return {(byte(0) << 16U) | (byte(size / 2) << 8U) | byte(size - 1), 0};
    }

    std::uint32_t finish(std::uint64_t state, std::uint64_t last) const {
        // The upper half of the product depends on all bits of both factors.
        return static_cast<std::uint32_t>(fold_multiply(state ^ keys_[3], last ^ keys_[4]) >> 32U);
    }

    std::uint64_t keys_[5];
};

}  // namespace ledge
