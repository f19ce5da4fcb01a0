// Warnings about a configuration that is allowed and yet dangerous. They never stop a start: `ledgemq check` and each
// start print them.
#pragma once

#include "ledge/config/load.hpp"

namespace ledge::daemon {

/// Adds a note for each danger. `sources` names the configuration's own file. Call check_tls_files() first.
void note_warnings(const config::Sources& sources, config::Loaded& loaded);

/// Adds a note when the account that the broker runs as is dangerous. `is_root`: the effective user is root.
void note_account(bool is_root, config::Loaded& loaded);

/// Files that the broker reads again while it runs, beside the configuration.
std::vector<std::string> files_read_again(const config::Loaded& loaded);

}  // namespace ledge::daemon
