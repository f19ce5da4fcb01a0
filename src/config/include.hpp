// The list `include` at the top of a configuration file:
//   include = ["conf.d/*.toml", "secrets.toml"]
// A path is relative to the directory of the file that names it. `*`, `?` and `[...]` may stand in its last part; they
// match no name that begins with a dot. The matching files are read in the order of their names (by bytes).
#pragma once

#include <string>
#include <vector>

#include "assignment.hpp"

namespace ledge::config {

inline constexpr std::size_t included_files_max = 100;
inline constexpr std::size_t include_depth_max = 4;  // of files that are included by included files
inline constexpr std::size_t all_files_bytes_max = 8 * file_bytes_max;

struct ConfigurationFiles {
    // The keys of the file, then those of the files that it includes, in the order of the list. A later assignment of a
    // key replaces an earlier one. The members of lists of tables ([[store.levels]]) are numbered through: those of a
    // later file come after those of the earlier ones.
    std::vector<Assignment> assignments;
    std::vector<Complaint> complaints;
    std::vector<std::string> files;  // that were read
};

/// Reads the file and all files that it includes. May wait for the disk.
ConfigurationFiles read_configuration_files(const std::string& path);

}  // namespace ledge::config
