// Text between double quotes, and hexadecimal digits.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace ledge {

/// Appends the lowest `digits` hexadecimal digits of `value`, lower case.
void append_hex(std::uint32_t value, unsigned digits, std::string& out);

/// Appends `text`, UTF-8, as JSON (RFC 8259, 7) writes a string, and TOML a basic string: controls, DEL among them, as
/// \u00NN.
void append_quoted(std::string_view text, std::string& out);
std::string quoted(std::string_view text);

}  // namespace ledge
