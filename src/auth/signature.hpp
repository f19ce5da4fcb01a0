// Signatures of tokens, and the keys in PEM: what mbedTLS does for this module beside password hashes.
#pragma once

#include <string>
#include <string_view>

#include "ledge/auth/jwks.hpp"
#include "ledge/base/bytes.hpp"
#include "ledge/base/result.hpp"

namespace ledge::auth {

/// "" or what is wrong with the numbers of a key: "has an RSA modulus of 1024 bits, 2048 to 8192 are taken".
std::string fault_of(const TokenKey& key);

/// Whether `text` was signed with the key, by its algorithm (RFC 7518 sections 3.2, 3.3, 3.4).
bool is_signed_with(const TokenKey& key, std::string_view text, Bytes signature);

/// A public key in PEM. The error is a sentence about the file.
Result<TokenKey, std::string> parse_public_key(std::string_view pem);

}  // namespace ledge::auth
