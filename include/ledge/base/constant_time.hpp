// Comparison of secrets.
#pragma once

#include <cstddef>

#include "ledge/base/bytes.hpp"

namespace ledge {

/// Takes a time that depends on the sizes alone: it does not tell how much of a guess was right.
inline bool are_equal_in_constant_time(Bytes a, Bytes b) {
    if (a.size() != b.size()) return false;
    volatile Byte difference = 0;
    for (std::size_t i = 0; i < a.size(); ++i) difference = static_cast<Byte>(difference | (a[i] ^ b[i]));
    return difference == 0;
}

}  // namespace ledge
