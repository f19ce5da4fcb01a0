// Warnings about settings that are allowed but dangerous. `ledgemq check` and each start print them. They never stop a
// start.
#pragma once

#include "ledge/config/load.hpp"

namespace ledge::daemon {

/// Adds a note for each dangerous setting. `sources` names the configuration file, whose mode is checked too. Call
/// check_tls_files() first.
void note_warnings(const config::Sources& sources, config::Loaded& loaded);

/// Adds a note if the broker would serve other machines as root. `is_root`: the effective user is root.
void note_account(bool is_root, config::Loaded& loaded);

/// The files that the broker reads again while it runs, without the configuration file.
std::vector<std::string> files_read_again(const config::Loaded& loaded);

}  // namespace ledge::daemon
