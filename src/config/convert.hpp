// Converts a value as the operator wrote it into the value that an option holds. Checks type, range, choice and unit.
#pragma once

#include <string>

#include "assignment.hpp"
#include "ledge/base/result.hpp"
#include "options.hpp"

namespace ledge::config {

inline constexpr std::size_t text_bytes_max = 1024;
inline constexpr std::size_t list_texts_max = 64;

/// The error continues the sentence "key 'limits.inflight_max' ...".
Result<PlainValue, std::string> convert(const Option& option, const Value& value);

/// As convert(), for the text after `--set KEY=`: texts need no quotes, and commas separate the texts of a list.
Result<PlainValue, std::string> convert_flag(const Option& option, const std::string& text);

/// Converts the value of an assignment by one of the two functions above. A whole value that came from outside
/// (references.hpp) has no quotes, like that of a flag; only a text is taken as it is.
Result<PlainValue, std::string> convert(const Option& option, const Assignment& assignment);

/// "1 to 65535 messages", "1024 to 65536 bytes (64 KiB)". In parentheses is the largest size, if it is a whole KiB.
std::string range_text(const Option& option);

/// "4 MiB"; "" if the number is 0 or not a multiple of 1024.
std::string size_text(std::int64_t bytes);

}  // namespace ledge::config
