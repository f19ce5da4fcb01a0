// A check that must be carried out before a CONNECT can be answered, and the outcome of the check. A check owns all its
// data, because another thread may carry it out while the policy is replaced.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "ledge/auth/hook.hpp"
#include "ledge/auth/identity.hpp"
#include "ledge/auth/jwt.hpp"
#include "ledge/auth/password_hash.hpp"
#include "ledge/base/secret.hpp"
#include "ledge/base/time.hpp"
#include "ledge/wire/types.hpp"

namespace ledge::auth {

/// Checks whether a password has this hash.
struct PasswordCheck {
    std::string user;
    PasswordHash hash;
    Secret password;
    bool is_user_known = false;  // false = the hash is that of another user; the check only takes the same time
};

/// Checks a token with the rules and keys that are in force when the check begins.
struct TokenCheck {
    std::optional<std::string> user_name;
    Secret token;
    TokenRules rules{};
};

using LoginCheck = std::variant<PasswordCheck, TokenCheck, HookQuestion>;

/// Where a check is carried out.
enum class Carrier : std::uint8_t {
    worker,  // on the thread of runtime/login_worker
    hook,    // on the HTTP server of the operator
};
inline constexpr std::size_t carrier_count = 2;

inline Carrier carrier_of(const LoginCheck& check) {
    return std::holds_alternative<HookQuestion>(check) ? Carrier::hook : Carrier::worker;
}

struct LoginOutcome {
    wire::ReasonCode code = wire::ReasonCode::bad_user_name_or_password;
    std::string reason;                 // why the client is refused, for the log and the client
    Identity identity;                  // with `success` only
    std::optional<Duration> valid_for;  // counted from the end of the check; nullopt = without a time limit
    bool is_unanswered = false;         // the hook was reached, but gave no answer
};

/// Carries out a check for Carrier::worker. Takes up to seconds; any thread may call this.
LoginOutcome carry_out(const LoginCheck& check, WallTime now);

}  // namespace ledge::auth
