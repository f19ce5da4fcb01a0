// `ledgemq sessions`: lists the sessions in the store of a stopped broker, or removes one. A running broker is asked by
// `ledgemq ctl`.
#pragma once

#include "ledge/config/command_line.hpp"

namespace ledge::daemon {

/// Exit status 0: done. 1: there is no such session, or the store cannot be used.
int use_sessions(const config::Command::Sessions& request);

}  // namespace ledge::daemon
