// Pressure: the step that the memory budget has reached. memory_budget.hpp explains the steps.
#pragma once

#include <cstdint>
#include <string_view>

namespace ledge::session {

enum class Pressure : std::uint8_t { none, slow_readers, new_clients, slowest };

/// The name of the step for logs and metrics: "none", "slow_readers", "new_clients" or "slowest".
std::string_view name_of(Pressure pressure);

}  // namespace ledge::session
