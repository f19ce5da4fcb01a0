// How tokens are signed. A value.
#pragma once

#include <cstdint>

namespace ledge::auth {

/// RFC 7518 section 3.1. There is no "none".
enum class TokenAlgorithm : std::uint8_t { hs256, rs256, es256 };

}  // namespace ledge::auth
