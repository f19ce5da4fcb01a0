// The commands of ledgemq that print an answer and end. Answers go to standard output, complaints to standard error.
// Every function that returns int returns the exit status. All run on the main thread.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace ledge::config {
struct Command;
struct Loaded;
struct Sources;
}  // namespace ledge::config

namespace ledge::daemon {

inline constexpr std::string_view version = LEDGE_VERSION;

/// Prints one line, which has no line end.
using PrintLine = std::function<void(std::string_view)>;

/// Prints the answer to --help or --version, or the mistake in the command line.
int print_text(const config::Command& command);
/// Prints all mistakes of the configuration.
int complain(const config::Loaded& loaded);
/// Runs info, verify, dump, compact, backup or restore. Damage in a store leads to exit_failure.
int use_store_tool(const config::Command& command);
/// Reads the other files that the configuration names. Adds complaints about wrong files, and notes about dangerous
/// settings.
void check_files_and_warn(const config::Sources& sources, config::Loaded& loaded);
/// Prints the listeners, who may log in there, what acknowledged messages survive, and warnings. With --strict a
/// warning leads to exit_failure.
int check(const config::Command& command, const config::Loaded& loaded);
/// Prints the reference of the log: every event with its fields, its meaning and what to do.
int print_events(bool is_json);
/// The reference of the metrics: every one with its names and its meaning.
int print_metrics(bool is_json);
int print_config(const config::Loaded& loaded);
/// The completion script for "bash", "zsh" or "fish".
int print_completion(const std::string& shell);
/// The manual page of section "1" (ledgemq) or "5" (ledgemq.toml).
int print_manual(const std::string& section);
/// Prints an error of the environment (not of the configuration). For errors before the log exists.
int fail(std::string_view what);

}  // namespace ledge::daemon
