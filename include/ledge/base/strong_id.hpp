// StrongId: an integer that cannot be mistaken for another kind of integer.
#pragma once

#include <compare>
#include <cstdint>

namespace ledge {

template <class Tag, class Value = std::uint32_t>
struct StrongId {
    Value value{};
    friend constexpr auto operator<=>(StrongId, StrongId) = default;
};

}  // namespace ledge
