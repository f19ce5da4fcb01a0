// What ledgemq does besides serving: it answers and ends. Answers go to standard output, complaints to standard error.
// Each returns the exit status.
#pragma once

#include <string_view>

#include "ledge/config/command_line.hpp"
#include "ledge/config/load.hpp"

namespace ledge::daemon {

inline constexpr std::string_view version = LEDGE_VERSION;

/// --help, --version, or what is wrong with the command line.
int say(const config::Command& command);
/// Everything that is wrong with the configuration.
int complain(const config::Loaded& loaded);
/// info, verify, dump, compact, backup or restore. A store with something wrong ends like a failure.
int use_store_tool(const config::Command& command);
/// Reads what else the configuration names: complaints about files that are wrong, notes about what is dangerous.
void look_around(const config::Sources& sources, config::Loaded& loaded);
/// The listeners, who may log in there, what acknowledged messages survive, and warnings; with --strict they are a
/// failure.
int check(const config::Command& command, const config::Loaded& loaded);
/// The reference of the log: every event, its fields, what it means and what to do.
int print_events(bool is_json);
/// The reference of the metrics: every one with its names and its meaning.
int print_metrics(bool is_json);
int print_config(const config::Config& config);
/// Something outside of us went wrong before there was a log.
int fail(std::string_view what);

}  // namespace ledge::daemon
