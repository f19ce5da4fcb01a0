// Makes the tokens by which this program logs in elsewhere: JSON Web Tokens, and the shared access signatures (SAS) of
// Azure IoT Hub. jwt.hpp checks the tokens of others. Stateless; any thread may call these functions.
//
//   token := base64url(header) "." base64url(claims) "." base64url(signature)          RFC 7515, RFC 7519
//   sas   := "SharedAccessSignature sr=" resource "&sig=" signature "&se=" expiry ["&skn=" policy]
//            signature = HMAC-SHA-256 of resource "\n" expiry, in base64; every value is percent-encoded
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "ledge/auth/token_algorithm.hpp"
#include "ledge/auth/wall_time.hpp"
#include "ledge/base/result.hpp"
#include "ledge/base/secret.hpp"

namespace ledge::auth {

/// A key that makes signatures.
struct SigningKey {
    TokenAlgorithm algorithm = TokenAlgorithm::hs256;
    Secret material;  // hs256: the secret; rs256, es256: the private key in PEM
};

/// Reads the content of a key file: a private key in PEM (RSA, or EC on P-256), or for hs256 a shared secret. A secret
/// is any bytes; one line end at the end of the file does not belong to the secret. The error is a sentence without its
/// subject, the file.
Result<SigningKey, std::string> parse_signing_key(TokenAlgorithm algorithm, std::string_view text);

/// Reads the content of a key file of Azure: a key in base64, in one line. The error is as above.
Result<SigningKey, std::string> parse_sas_key(std::string_view text);

using ClaimValue = std::variant<bool, std::int64_t, std::string, std::vector<std::string>>;
using Claims = std::vector<std::pair<std::string, ClaimValue>>;

/// The content of a token, without the times.
struct TokenContent {
    std::string key_id;  // "kid" of the header; "" = the header has none
    std::string issuer;  // "iss"; "" = the token has none, as below
    std::string subject;
    std::string audience;
    Claims others;  // the names differ, and none of them is_reserved_claim()
};

/// True for iss, sub, aud, iat and exp.
bool is_reserved_claim(std::string_view name);

/// Makes a token that is valid from `now` on. `seed`: chance, against attacks by measuring; the same seed may be used
/// again. Takes milliseconds. The error says what the library refuses; a key from parse_signing_key() makes none.
Result<std::string, std::string> make_token(const SigningKey& key, const TokenContent& content, WallTime now,
                                            std::chrono::seconds lifetime, std::uint64_t seed);

/// `policy` = "": the signature names none, as for the key of a device.
std::string make_sas(const SigningKey& key, std::string_view resource, std::string_view policy, WallTime expiry);

}  // namespace ledge::auth
