// Pressure: which step the memory budget has reached. What each step means stands in memory_budget.hpp.
#pragma once

#include <cstdint>
#include <string_view>

namespace ledge::session {

enum class Pressure : std::uint8_t { none, slow_readers, new_clients, slowest };

/// "none", "slow_readers", "new_clients", "slowest".
std::string_view name_of(Pressure pressure);

}  // namespace ledge::session
