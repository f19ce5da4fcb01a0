// Calendar time, for the dates in tokens. Only the caller reads a clock.
#pragma once

#include <chrono>

namespace ledge::auth {

/// Calendar time: seconds since 1970, UTC.
using WallTime = std::chrono::sys_seconds;

/// The source code is newer than this date. A machine with an earlier time has not set its clock yet.
inline constexpr WallTime earliest_plausible_time{std::chrono::sys_days{std::chrono::year{2026} / 1 / 1}};

}  // namespace ledge::auth
