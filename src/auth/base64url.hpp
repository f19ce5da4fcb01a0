// Base64url without padding (RFC 4648 section 5), the encoding of tokens and keys. Stateless.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/base/bytes.hpp"

namespace ledge::auth {

/// nullopt = the text has a character outside the alphabet, an impossible length, or unused bits at its end that are
/// not zero.
std::optional<std::vector<Byte>> decode_base64url(std::string_view text);

std::string encode_base64url(Bytes bytes);

}  // namespace ledge::auth
