// Base64 with padding (RFC 4648 section 4), for bytes in JSON. Stateless.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ledge/base/bytes.hpp"

namespace ledge {

std::string encode_base64(Bytes bytes);

/// The bytes, as a string. nullopt = the text has another character, no full groups of four, or unused bits that are
/// not zero.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace ledge
