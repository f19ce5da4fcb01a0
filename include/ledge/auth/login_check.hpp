// What has to be found out before a CONNECT can be answered, and what was. A check owns all that it needs: it is
// carried out on another thread, while the policy it comes from may be replaced.
#pragma once

#include <optional>
#include <string>
#include <variant>

#include "ledge/auth/identity.hpp"
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

using LoginCheck = std::variant<PasswordCheck>;

struct LoginOutcome {
    wire::ReasonCode code = wire::ReasonCode::bad_user_name_or_password;
    std::string reason;                 // why not; for the log and the client
    Identity identity;                  // with success; without rights
    std::optional<Duration> valid_for;  // from when it was carried out; nothing: without end
};

/// The arithmetic. Takes its time, up to seconds; any thread.
LoginOutcome carry_out(const LoginCheck& check);

}  // namespace ledge::auth
