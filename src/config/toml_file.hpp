// Turns a TOML text into assignments. No other file of the project uses the TOML library.
#pragma once

#include <string_view>
#include <vector>

#include "assignment.hpp"

namespace ledge::config {

/// The list of a devices file (ledge/config/devices_file.hpp). In other files it is an unknown key.
inline constexpr std::string_view devices_key = "devices";

struct TomlText {
    std::vector<Assignment> assignments;  // in the order of the lines
    std::vector<Complaint> complaints;    // about the syntax; if there is one, there are no assignments
};

/// The place of an assignment or complaint is `file_name` and the line. A text above file_bytes_max and a line above
/// line_bytes_max are errors; together with the nesting limit of the parser they bound the depth of every recursion.
TomlText read_toml(std::string_view text, std::string_view file_name);

}  // namespace ledge::config
