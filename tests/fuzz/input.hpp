// Input: reads the fuzzer's bytes as small choices; behind the end everything is zero.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "ledge/base/bytes.hpp"

namespace ledge::fuzz {

class Input {
public:
    Input(const std::uint8_t* data, std::size_t size) : rest_(data, size) {}

    bool empty() const { return rest_.empty(); }

    std::uint8_t byte() {
        if (rest_.empty()) return 0;
        const std::uint8_t value = rest_.front();
        rest_ = rest_.subspan(1);
        return value;
    }

    /// In [0, bound), bound at most 256.
    unsigned below(unsigned bound) { return byte() % bound; }

    std::uint16_t u16() {
        const unsigned high = byte();
        return static_cast<std::uint16_t>(high << 8U | byte());
    }

    /// Up to `most` bytes, alone at the end of an allocation, so that a sanitizer sees a step too far.
    std::vector<Byte> bytes(std::size_t most) {
        const Bytes taken = rest_.first(std::min(most, rest_.size()));
        rest_ = rest_.subspan(taken.size());
        return {taken.begin(), taken.end()};
    }

private:
    Bytes rest_;
};

}  // namespace ledge::fuzz
