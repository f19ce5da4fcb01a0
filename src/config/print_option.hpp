// Prints one option as TOML, with its documentation. Used by print.cpp and by the files that print lists of sections.
#pragma once

#include <string>
#include <string_view>

#include "options.hpp"

namespace ledge::config {

/// The value as TOML: true, 7, "text", ["a", "b"].
std::string literal(const Option& option, const PlainValue& value);

/// Appends the text as comment lines of at most 100 columns. A longer word makes a longer line.
void append_comment(std::string_view text, std::string& out);

/// Appends the line `NAME = VALUE` with the value at `place`. `is_documented`: the help of the option stands above the
/// line, and an empty line follows.
void append_option(const Option& option, Place place, bool is_documented, std::string& out);

}  // namespace ledge::config
