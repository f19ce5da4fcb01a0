// `ledgemq ctl`: asks the API of a running broker and shows the answer. On the main thread; the calls wait.
#pragma once

#include "ledge/cli/console.hpp"
#include "ledge/cli/ctl_commands.hpp"

namespace ledge::cli {

/// Returns the exit status: 0 = done, 1 = the broker refuses or cannot be reached, 2 = wrong command line or file.
int ctl(const CtlOptions& options, const Console& console);

}  // namespace ledge::cli
