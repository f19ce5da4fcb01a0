// The keys that tokens are signed with: from a JWK Set (RFC 7517 section 5), a public key in PEM, or a shared secret.
//
//   jwks := {"keys": [ jwk ... ]}
//   jwk  := {"kty": "oct", "k": base64url}                       a shared secret, HS256
//         | {"kty": "RSA", "n": base64url, "e": base64url}       RS256
//         | {"kty": "EC", "crv": "P-256", "x": ..., "y": ...}    ES256
//   each may have "kid", "alg" and "use"; what it says otherwise is not looked at
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/auth/password_hash.hpp"
#include "ledge/base/bytes.hpp"
#include "ledge/base/result.hpp"

namespace ledge::auth {

/// RFC 7518 section 3.1. There is no "none".
enum class TokenAlgorithm : std::uint8_t { hs256, rs256, es256 };

/// A key is good for one algorithm, which its own kind decides, never the token.
struct TokenKey {
    static constexpr std::size_t secret_bytes_min = 32;  // RFC 7518 section 3.2
    static constexpr std::size_t secret_bytes_max = 1024;
    static constexpr std::size_t modulus_bytes_min = 2048 / 8;  // RFC 7518 section 3.3
    static constexpr std::size_t modulus_bytes_max = 8192 / 8;
    static constexpr std::size_t exponent_bytes_max = 8;
    static constexpr std::size_t point_bytes = 64;

    TokenAlgorithm algorithm = TokenAlgorithm::hs256;
    std::string id;              // "kid"; "": of every token that the algorithm fits
    Secret material;             // the secret; the modulus, big endian; x and y
    std::vector<Byte> exponent;  // rs256, big endian
};

struct TokenKeys {
    static constexpr std::size_t keys_max = 32;
    static constexpr std::size_t text_bytes_max = 256 * 1024;

    std::vector<TokenKey> keys;
    std::vector<std::string> notes;  // keys that are of no use here, and why
    bool has_secrets = false;        // whoever reads the file can sign tokens
};

/// The error is a sentence about the file. Keys of other kinds are left out with a note (RFC 7517 section 5).
Result<TokenKeys, std::string> parse_jwks(std::string_view text);
/// A public key in PEM (RSA, or EC on P-256), or a shared secret: any bytes, without the end of a last line.
Result<TokenKeys, std::string> parse_key_file(std::string_view text);

}  // namespace ledge::auth
