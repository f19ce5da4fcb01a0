// `ledgemq pub`: publishes messages and waits until the broker has acknowledged them. On the main thread.
#pragma once

#include "ledge/cli/console.hpp"
#include "ledge/cli/options.hpp"

namespace ledge::cli {

/// Returns the exit status. `input`: the descriptor of standard input.
int publish(const PublishOptions& options, const Console& console, int input);

}  // namespace ledge::cli
