// TOML text to assignments. The only door to the TOML library.
#pragma once

#include <string_view>
#include <vector>

#include "assignment.hpp"

namespace ledge::config {

struct TomlText {
    std::vector<Assignment> assignments;  // in the order of the lines
    std::vector<Complaint> complaints;    // of the syntax; then there are no assignments
};

/// `file_name` and a line make the places. At most file_bytes_max of text, lines of at most line_bytes_max: with the
/// nesting limit of the parser that bounds the depth of every recursion.
TomlText read_toml(std::string_view text, std::string_view file_name);

}  // namespace ledge::config
