// What a configuration allows and had better not. Never a mistake: it is said, by `ledgemq check` and at each start.
#pragma once

#include "ledge/config/load.hpp"

namespace ledge::daemon {

/// Adds a note for each danger; `sources` for the configuration's own file. After check_tls_files().
void note_dangers(const config::Sources& sources, config::Loaded& loaded);

/// The same for who it runs as. `is_root`: the effective user is root.
void note_account(bool is_root, config::Loaded& loaded);

/// Files that the broker reads again while it runs, beside the configuration.
std::vector<std::string> files_read_again(const config::Loaded& loaded);

}  // namespace ledge::daemon
