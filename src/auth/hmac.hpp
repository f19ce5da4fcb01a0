// SHA-256, HMAC with it (RFC 2104), PBKDF2 with that, base64, and a comparison whose time tells nothing.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/base/bytes.hpp"

namespace ledge::auth {

using Digest256 = std::array<Byte, 32>;

Digest256 sha256(Bytes text);
Digest256 hmac_sha256(Bytes key, Bytes text);
/// The first block of PBKDF2-HMAC-SHA-256 (RFC 8018 section 5.2): Hi() of RFC 5802. `iterations` > 0.
Digest256 pbkdf2_sha256(Bytes password, Bytes salt, std::uint32_t iterations);

std::string to_base64(Bytes bytes);
/// Nothing when it is not base64 with its padding.
std::optional<std::vector<Byte>> from_base64(std::string_view text);

}  // namespace ledge::auth
