// Settings of the process that the daemon asks the system for. Called on the main thread, at the start.
#pragma once

#include <cstdint>
#include <string>

namespace ledge::daemon {

/// Raises the soft limit of open descriptors to the hard limit, which needs no rights. Returns the limit in force.
std::uint64_t raise_descriptor_limit();

/// From now on a write to a peer that is gone, or beyond the largest file of the process (ulimit -f), returns an error.
/// Without this call a signal (SIGPIPE, SIGXFSZ) would end the process.
void ignore_signals_of_writes();

/// From now on an allocation that the system refuses ends the process at once, with one line in the log (event
/// out_of_memory) and exit code 1, and without running any destructor. The allocation may have interrupted a change in
/// its middle, so nothing that is half changed may be committed or sent. Acknowledged messages are on the disk already.
void end_when_out_of_memory(bool writes_json);

/// The name of this machine, "gateway" if the system has none.
std::string host_name();

/// 64 random bits from the system, which nobody can guess.
std::uint64_t random_seed();

/// Gives back the memory of the code and the constants of the program and its libraries after the start. The system
/// loads the pages that are used again from the page cache.
void release_startup_code();

}  // namespace ledge::daemon
