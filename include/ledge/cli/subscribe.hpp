// `ledgemq sub`: subscribes and prints the messages. On the main thread.
#pragma once

#include "ledge/cli/console.hpp"
#include "ledge/cli/options.hpp"

namespace ledge::cli {

/// Returns the exit status.
int subscribe(const SubscribeOptions& options, const Console& console);

}  // namespace ledge::cli
