// ledgemq sessions: lists sessions, or removes one, in the store of a stopped broker or through the admin listener of a
// running one.
#pragma once

#include "ledge/config/command_line.hpp"

namespace ledge::daemon {

/// Exit status 0: done. 1: there is no such session, or the store or the broker cannot be reached.
int use_sessions(const config::Command::Sessions& request);

}  // namespace ledge::daemon
