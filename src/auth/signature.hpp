// Checks and makes signatures of tokens, and parses keys in PEM, with mbedTLS. Stateless.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/auth/jwks.hpp"
#include "ledge/auth/token_maker.hpp"
#include "ledge/base/bytes.hpp"
#include "ledge/base/result.hpp"

namespace ledge::auth {

/// Returns what is wrong with the numbers of a key, or an empty text: "has an RSA modulus of 1024 bits; 2048 to 8192
/// bits are allowed".
std::string fault_of(const TokenKey& key);

/// True if `signature` is the signature of `text` by the key and its algorithm (RFC 7518 sections 3.2, 3.3, 3.4).
bool is_signed_with(const TokenKey& key, std::string_view text, Bytes signature);

/// Parses a public key in PEM. The error is a sentence without its subject, the file.
Result<TokenKey, std::string> parse_public_key(std::string_view pem);

/// Parses a private key in PEM for rs256 or es256. The error is as above.
Result<SigningKey, std::string> parse_private_key(TokenAlgorithm algorithm, std::string_view pem);

/// The signature of `text`. `seed`: see make_token(). The error says what mbedTLS refuses.
Result<std::vector<Byte>, std::string> sign(const SigningKey& key, std::string_view text, std::uint64_t seed);

}  // namespace ledge::auth
