// Compares secrets without telling an attacker, by the time it takes, how much of a guess was right. Stateless.
#pragma once

#include <cstddef>

#include "ledge/base/bytes.hpp"

namespace ledge {

/// The time of the comparison depends on the two sizes only, never on the content.
inline bool are_equal_in_constant_time(Bytes a, Bytes b) {
    if (a.size() != b.size()) return false;
    volatile Byte difference = 0;  // volatile: the compiler must not leave the loop at the first difference
    for (std::size_t i = 0; i < a.size(); ++i) difference = static_cast<Byte>(difference | (a[i] ^ b[i]));
    return difference == 0;
}

}  // namespace ledge
