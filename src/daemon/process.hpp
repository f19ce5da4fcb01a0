// What the daemon asks of the system for itself.
#pragma once

#include <cstdint>
#include <string_view>

namespace ledge::daemon {

/// As many descriptors as the system allows us without asking anybody: the soft limit becomes the hard one. Returns
/// the limit in force.
std::uint64_t raise_descriptor_limit();

/// A peer that is gone, or a file that would become larger than the process may make one (ulimit -f), is an error of
/// the write, not the end of the process.
void ignore_signals_of_writes();

/// From now on an allocation that the system refuses ends the process at once, with one line in the log (event
/// out_of_memory) and exit code 1, without running any destructor. Whatever was being changed is left half changed, so
/// nothing of it may be committed, answered or used again; what the store has acknowledged is on the disk already.
void end_when_out_of_memory(bool writes_json);

/// 64 bits that nobody can guess.
std::uint64_t random_seed();

/// Tells the service manager (systemd, Type=notify), if there is one: one datagram to $NOTIFY_SOCKET.
void notify_service_manager(std::string_view state);

/// The start is over: its code need not stay in memory. What is wanted again comes back from the page cache.
void forget_code_of_start();

}  // namespace ledge::daemon
