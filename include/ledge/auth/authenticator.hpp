// Who may connect: a question, an answer, or a hash to be computed first. The arithmetic is for another thread; who
// asks waits for it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ledge/auth/acl.hpp"
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
    /// Not nullptr: the code is not known yet, this has to be computed with the password.
    const PasswordHash* hash = nullptr;
    /// False: the user does not exist, the hash is another one's and only costs the same time.
    bool is_user_known = false;
};

/// Without a password file a user name proves nothing: where anonymous clients are allowed it is ignored, elsewhere
/// nobody is let in. With one, who gives a name must prove it, also where anonymous clients are allowed.
Answer answer(const Policy& policy, const Question& question);

/// Who a connected client is.
struct Identity {
    std::optional<std::string> user;  // proven; nothing: anonymous
    std::uint64_t credential = 0;     // what it was proven with: the beginning of the entry's digest; 0: TLS
    std::optional<Rights> rights;     // nothing: everything is allowed. Borrows `user`: do not move
};

/// Changes with every new password of the user; never 0.
std::uint64_t credential_of(const PasswordHash& hash);

/// Enhanced authentication methods (5.0 section 4.12) that are built in: SASL ANONYMOUS (RFC 4505).
bool is_known_method(std::string_view method);

/// The verdict on a SASL ANONYMOUS message: trace information of at most 255 characters of UTF-8 (RFC 4505 section 2).
wire::ReasonCode answer_anonymous(std::string_view trace, bool is_anonymous_allowed);

}  // namespace ledge::auth
