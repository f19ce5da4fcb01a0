// Who may connect: a question, and an answer or a check to be carried out first. The check is for another thread; who
// asks waits for it.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "ledge/auth/acl.hpp"
#include "ledge/auth/identity.hpp"
#include "ledge/auth/login_check.hpp"
#include "ledge/auth/login_guard.hpp"
#include "ledge/auth/password_file.hpp"
#include "ledge/base/bytes.hpp"
#include "ledge/wire/types.hpp"

namespace ledge::auth {

/// What becomes of a connected client whose rights have shrunk. Its rights as such change at once, whatever this says.
enum class Revocation : std::uint8_t {
    disconnect,   // told 0x87 if a subscription has become forbidden
    unsubscribe,  // such subscriptions are removed
};

/// What is known about clients. Replaced as a whole when the files are read again.
struct Policy {
    std::optional<PasswordFile> passwords;  // nothing: nobody has a name
    std::optional<Acl> acl;                 // nothing: everybody may do everything
    LoginLimits login;
    Revocation on_revocation = Revocation::disconnect;
    bool binds_sessions = true;  // the session of a user is nobody else's
};

struct Question {
    std::optional<std::string_view> user_name;
    std::optional<Bytes> password;
    bool is_anonymous_allowed = false;  // by the listener
};

struct Answer {
    /// success: as an anonymous client; or bad_user_name_or_password, not_authorized.
    wire::ReasonCode code = wire::ReasonCode::success;
    /// The code is not known yet: this has to be carried out.
    std::optional<LoginCheck> check{};
};

/// Without a password file a user name proves nothing: where anonymous clients are allowed it is ignored, elsewhere
/// nobody is let in. With one, who gives a name must prove it, also where anonymous clients are allowed.
Answer answer(const Policy& policy, const Question& question);

/// Whether the proof would still be accepted: the user is there, with the same password.
bool is_still_proven(const Policy& policy, const Identity& identity);

/// Changes with every new password of the user; never 0.
std::uint64_t credential_of(const PasswordHash& hash);

/// Enhanced authentication methods (5.0 section 4.12) that are built in: SASL ANONYMOUS (RFC 4505).
bool is_known_method(std::string_view method);

/// The verdict on a SASL ANONYMOUS message: trace information of at most 255 characters of UTF-8 (RFC 4505 section 2).
wire::ReasonCode answer_anonymous(std::string_view trace, bool is_anonymous_allowed);

}  // namespace ledge::auth
