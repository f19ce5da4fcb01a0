// JSON Web Tokens as passwords: RFC 7519, signed with HS256, RS256 or ES256, in the compact form of RFC 7515.
// Stateless; the check of a token may run on any thread.
//
//   token := base64url(header) "." base64url(claims) "." base64url(signature)
//
// The broker uses these claims:
//   exp                 the time when the connection ends; a token without exp is refused
//   nbf, iss, aud       RFC 7519 section 4.1
//   sub                 the user name (TokenRules::user_claim)
//   roles               a text or a list of texts: roles of the ACL (TokenRules::roles_claim)
//   acl                 {"pub": [filter ...], "sub": [filter ...], "all": [filter ...]}: only these filters are
//                       granted, and the ACL of the broker can only deny; %u and %c stand for the names of the client
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/auth/jwks.hpp"
#include "ledge/auth/wall_time.hpp"
#include "ledge/base/bytes.hpp"

namespace ledge::auth {

struct LoginOutcome;

/// The rules for tokens: which tokens are accepted, and which claims hold the user name and the roles.
struct TokenRules {
    static constexpr std::size_t token_bytes_max = 8 * 1024;
    static constexpr std::size_t roles_max = 64;
    static constexpr std::size_t filters_max = 256;

    std::vector<TokenKey> keys;
    std::string issuer;    // the required "iss"; empty = any issuer
    std::string audience;  // "aud" must contain this audience; empty = a token with "aud" is refused
    std::string user_claim = "sub";
    std::string roles_claim = "roles";
    std::chrono::seconds leeway{30};   // allowed difference between two clocks, for exp and nbf
    bool must_match_user_name = true;  // a user name in CONNECT must be the user name of the token
};

/// True if the password has the form of a token, even if the token is not valid.
bool looks_like_token(Bytes password);

/// Checks a token. Takes milliseconds for each key with the token's algorithm and id; any thread may call this.
/// `user_name` is the user name in CONNECT. A refusal says what is wrong with the token. A token without a correct
/// signature gives bad_user_name_or_password, and the text does not mention its claims. A token with a correct
/// signature but unsuitable claims gives not_authorized, and does not count as a guessed password.
LoginOutcome check_token(const TokenRules& rules, Bytes token, const std::optional<std::string>& user_name,
                         WallTime now);

/// Returns a number that identifies the key together with the issuer, the audience and the names of the claims in the
/// rules. Never 0.
std::uint64_t credential_of(const TokenRules& rules, const TokenKey& key);

}  // namespace ledge::auth
