// Multiplies two 64-bit numbers and folds the 128-bit product to 64 bits. Only this file asks whether the compiler has
// 128-bit integers (32-bit ARM has none).
#pragma once

#include <cstdint>

namespace ledge {

/// Returns the high half XOR the low half of the full product.
inline std::uint64_t fold_multiply(std::uint64_t a, std::uint64_t b) {
#ifdef __SIZEOF_INT128__
    __extension__ using Wide = unsigned __int128;
    const Wide product = static_cast<Wide>(a) * b;
    return static_cast<std::uint64_t>(product >> 64U) ^ static_cast<std::uint64_t>(product);
#else
    // Long multiplication with 32-bit digits. `middle` adds up the second digit of the product and its carry.
    constexpr std::uint64_t low = 0xffff'ffffU;
    const std::uint64_t ll = (a & low) * (b & low);
    const std::uint64_t lh = (a & low) * (b >> 32U);
    const std::uint64_t hl = (a >> 32U) * (b & low);
    const std::uint64_t hh = (a >> 32U) * (b >> 32U);
    const std::uint64_t middle = (ll >> 32U) + (lh & low) + (hl & low);
    return (hh + (lh >> 32U) + (hl >> 32U) + (middle >> 32U)) ^ ((middle << 32U) | (ll & low));
#endif
}

}  // namespace ledge
