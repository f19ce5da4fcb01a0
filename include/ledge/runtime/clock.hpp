// The only file that asks the machine for the time. Everybody else is handed an Instant.
#pragma once

#include <chrono>

#include "ledge/base/time.hpp"

namespace ledge::runtime {

/// The monotonic clock now. Not a wall clock: its origin is arbitrary (boot, on Linux). Any thread.
Instant read_clock();

/// What a calendar says now; for log lines and the dates in tokens only, since a gateway may have no idea of it. Any
/// thread.
std::chrono::system_clock::time_point read_wall_clock();

/// The same point in time as the standard library and Asio name it. `never` saturates.
std::chrono::steady_clock::time_point to_steady(Instant instant);

}  // namespace ledge::runtime
