// What has to be found out before a CONNECT can be answered, and what was. A check owns all that it needs: it is
// carried out on another thread, while the policy it comes from may be replaced.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "ledge/auth/hook.hpp"
#include "ledge/auth/identity.hpp"
#include "ledge/auth/jwt.hpp"
#include "ledge/auth/password_hash.hpp"
#include "ledge/base/time.hpp"
#include "ledge/wire/types.hpp"

namespace ledge::auth {

/// A password, to be held against one hash.
struct PasswordCheck {
    std::string user;
    PasswordHash hash;
    Secret password;
    bool is_user_known = false;  // false: the hash is another one's and only costs the same time
};

/// A token, to be held against the keys of the moment when its turn comes.
struct TokenCheck {
    std::optional<std::string> user_name;
    Secret token;
    TokenRules rules{};
};

using LoginCheck = std::variant<PasswordCheck, TokenCheck, HookQuestion>;

/// Who carries a check out.
enum class Carrier : std::uint8_t {
    worker,  // a thread that computes
    hook,    // a server elsewhere
};
inline constexpr std::size_t carrier_count = 2;

inline Carrier carrier_of(const LoginCheck& check) {
    return std::holds_alternative<HookQuestion>(check) ? Carrier::hook : Carrier::worker;
}

struct LoginOutcome {
    wire::ReasonCode code = wire::ReasonCode::bad_user_name_or_password;
    std::string reason;                 // why not; for the log and the client
    Identity identity;                  // with success; without rights
    std::optional<Duration> valid_for;  // from when it was carried out; nothing: without end
    bool is_unanswered = false;         // the hook was asked and has said nothing in time
};

/// The arithmetic of a check that is for the worker. Takes its time, up to seconds; any thread. `now`: of a calendar.
LoginOutcome carry_out(const LoginCheck& check, WallTime now);

}  // namespace ledge::auth
