// From what somebody wrote to what an option holds: types, ranges, choices, size units.
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

/// The same for the text after `--set KEY=`, where nothing is quoted; commas part the texts of a list.
Result<PlainValue, std::string> convert_flag(const Option& option, const std::string& text);

/// "1 to 65535 messages", "64 to 268435460 bytes (64 B to 256 MiB)"
std::string range_text(const Option& option);

/// "4 MiB"; "" when the number is no multiple of 1024 or is 0.
std::string size_text(std::int64_t bytes);

}  // namespace ledge::config
