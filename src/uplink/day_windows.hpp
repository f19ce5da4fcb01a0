// Windows of the day in which a bridge may be connected. Functions without state.
#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include "ledge/base/time.hpp"
#include "ledge/uplink/options.hpp"

namespace ledge::uplink {

/// True if `time` lies in one of the windows, or if there are none.
bool is_in_window(const std::vector<DayWindow>& windows, std::chrono::system_clock::time_point time);

/// From `time` until the next beginning or end of a window. Requires windows. At most a day.
Duration until_next_boundary(const std::vector<DayWindow>& windows, std::chrono::system_clock::time_point time);

}  // namespace ledge::uplink
