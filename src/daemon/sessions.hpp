// ledgemq sessions: what sessions there are, and the end of one; in a store that nobody uses, or at the admin listener.
#pragma once

#include "ledge/config/command_line.hpp"

namespace ledge::daemon {

/// Exit status 0: done; 1: there is no such session, or the store or the broker cannot be asked.
int use_sessions(const config::Command::Sessions& wish);

}  // namespace ledge::daemon
