// Writes text between double quotes, and numbers in hexadecimal digits. Stateless.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace ledge {

/// Appends the lowest `digits` hexadecimal digits of `value` (1 to 8 of them), in lower case.
void append_hex(std::uint32_t value, unsigned digits, std::string& out);

/// Appends the UTF-8 text `text` in a form that is both a string of JSON (RFC 8259 section 7) and a basic string of
/// TOML. Control characters, DEL included, are written as \u00NN.
void append_quoted(std::string_view text, std::string& out);
std::string quoted(std::string_view text);

}  // namespace ledge
