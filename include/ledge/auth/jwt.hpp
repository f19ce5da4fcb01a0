// JSON Web Tokens as passwords: RFC 7519, signed by HS256, RS256 or ES256 in the compact form of RFC 7515.
//
//   token := base64url(header) "." base64url(claims) "." base64url(signature)
//
// Claims that count:
//   exp                 the session ends then; a token without it is refused
//   nbf, iss, aud       RFC 7519 section 4.1
//   sub                 the user name (TokenRules::user_claim)
//   roles               a text or a list of texts: roles of the ACL (TokenRules::roles_claim)
//   acl                 {"pub": [filter ...], "sub": [filter ...], "all": [filter ...]}: nothing else is granted, and
//                       the ACL of the broker can only deny; %u and %c stand for the names of the client
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/auth/jwks.hpp"
#include "ledge/base/bytes.hpp"

namespace ledge::auth {

struct LoginOutcome;

/// A calendar's seconds since 1970, UTC.
using WallTime = std::chrono::sys_seconds;

/// A machine that says it is earlier has not been told the time yet: this source is younger.
inline constexpr WallTime earliest_plausible_time{std::chrono::sys_days{std::chrono::year{2026} / 1 / 1}};

/// Which tokens are accepted, and what they mean.
struct TokenRules {
    static constexpr std::size_t token_bytes_max = 8 * 1024;
    static constexpr std::size_t roles_max = 64;
    static constexpr std::size_t filters_max = 256;

    std::vector<TokenKey> keys;
    std::string issuer;    // "iss" has to be this; "": any
    std::string audience;  // has to be among "aud"; "": a token for an audience is refused
    std::string user_claim = "sub";
    std::string roles_claim = "roles";
    std::chrono::seconds leeway{30};   // for exp and nbf: how far apart clocks may be
    bool must_match_user_name = true;  // a user name in CONNECT has to be that of the token
};

/// The password is in the form of a token, whether it is a good one or not.
bool looks_like_token(Bytes password);

/// Holds a token against the rules. Milliseconds of arithmetic per key that comes into question; any thread.
/// `user_name`: of CONNECT. A refusal says what is wrong with the token: forged (bad_user_name_or_password), which
/// says nothing of its claims, or genuine and not good for this (not_authorized), which is nobody's guess.
LoginOutcome check_token(const TokenRules& rules, Bytes token, const std::optional<std::string>& user_name,
                         WallTime now);

/// Changes with the key and with everything in the rules that tokens are held against; never 0.
std::uint64_t credential_of(const TokenRules& rules, const TokenKey& key);

}  // namespace ledge::auth
