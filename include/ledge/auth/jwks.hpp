// The keys that check the signatures of tokens. They come from a JWK Set (RFC 7517 section 5), a public key in PEM, or
// a shared secret. Stateless.
//
//   jwks := {"keys": [ jwk ... ]}
//   jwk  := {"kty": "oct", "k": base64url}                       a shared secret, HS256
//         | {"kty": "RSA", "n": base64url, "e": base64url}       RS256
//         | {"kty": "EC", "crv": "P-256", "x": ..., "y": ...}    ES256
//   each may have "kid", "alg" and "use"; other members are ignored
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/auth/token_algorithm.hpp"
#include "ledge/base/bytes.hpp"
#include "ledge/base/result.hpp"
#include "ledge/base/secret.hpp"

namespace ledge::auth {

/// One key. The kind of the key decides its only algorithm; the token has no influence on this choice.
struct TokenKey {
    static constexpr std::size_t secret_bytes_min = 32;  // RFC 7518 section 3.2
    static constexpr std::size_t secret_bytes_max = 1024;
    static constexpr std::size_t modulus_bytes_min = 2048 / 8;  // RFC 7518 section 3.3
    static constexpr std::size_t modulus_bytes_max = 8192 / 8;
    static constexpr std::size_t exponent_bytes_max = 8;
    static constexpr std::size_t point_bytes = 64;

    TokenAlgorithm algorithm = TokenAlgorithm::hs256;
    std::string id;              // "kid"; empty = the key may check every token with its algorithm
    Secret material;             // hs256: the secret; rs256: the modulus, big endian; es256: x, then y
    std::vector<Byte> exponent;  // rs256 only, big endian
};

struct TokenKeys {
    static constexpr std::size_t keys_max = 32;
    static constexpr std::size_t text_bytes_max = 256 * 1024;

    std::vector<TokenKey> keys;
    std::vector<std::string> notes;  // for each ignored key the reason
    bool has_secrets = false;        // the file has a shared secret, so anybody who reads the file can sign tokens
};

/// Parses a JWK Set. The error is a sentence without its subject, the file. A key of another kind is ignored with a
/// note (RFC 7517 section 5).
Result<TokenKeys, std::string> parse_jwks(std::string_view text);
/// Parses a public key in PEM (RSA, or EC on P-256), or a shared secret. A secret is any bytes; one line end at the end
/// of the file does not belong to the secret.
Result<TokenKeys, std::string> parse_key_file(std::string_view text);

}  // namespace ledge::auth
