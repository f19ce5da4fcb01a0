// The broker at work: from a checked configuration to its end by a signal.
#pragma once

#include "ledge/config/load.hpp"

namespace ledge::daemon {

/// Returns the exit status: exit_ok after a graceful stop, exit_failure when a listener cannot be opened.
int serve(const config::Sources& sources, const config::Loaded& loaded);

}  // namespace ledge::daemon
