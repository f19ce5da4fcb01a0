// base64url without padding (RFC 4648 section 5), as tokens and keys have it.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "ledge/base/bytes.hpp"

namespace ledge::auth {

/// Nothing when a character is none of the 64, or the bits at the end are not what an encoder leaves there.
std::optional<std::vector<Byte>> decode_base64url(std::string_view text);

}  // namespace ledge::auth
