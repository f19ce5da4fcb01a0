// Runs the broker, from a checked configuration until a signal ends it.
#pragma once

#include "ledge/config/load.hpp"
#include "program_start.hpp"

namespace ledge::daemon {

/// Returns the exit status: exit_ok after a graceful stop; exit_failure if a listener, the store or the rights cannot
/// be had; exit_bad_configuration if the account or the admin token is wrong. Runs on the main thread, which becomes
/// the thread of the loop.
/// `start`: the program that an upgrade starts again.
int serve(const config::Sources& sources, const config::Loaded& loaded, ProgramStart start);

}  // namespace ledge::daemon
