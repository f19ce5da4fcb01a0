// The clocks of the machine. Only this module's clock.cpp reads them; all other code gets an Instant as an argument.
#pragma once

#include <chrono>

#include "ledge/base/time.hpp"

namespace ledge::runtime {

/// Reads the monotonic clock. This is no wall clock: its origin is arbitrary (on Linux, the boot). Any thread.
Instant read_clock();

/// Reads the wall clock. Only log lines, the dates in tokens and the windows of bridges use it, because a
/// gateway's wall clock may be wrong.
/// Any thread.
std::chrono::system_clock::time_point read_wall_clock();

/// Converts an instant of the monotonic clock to the type of the standard library and Asio. `never` becomes the latest
/// time point.
std::chrono::steady_clock::time_point to_steady(Instant instant);

}  // namespace ledge::runtime
