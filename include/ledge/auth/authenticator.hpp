// Who may connect: a question, and an answer or a check to be carried out first. The check is for another thread; who
// asks waits for it.
#pragma once

#include <array>
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
    std::optional<PasswordFile> passwords;  // nothing: nobody has a password
    std::optional<TokenRules> tokens;       // nothing: a token is a password like any other
    std::optional<HookOptions> hook;        // asked about whom the others do not know; nothing: nobody is
    std::optional<Acl> acl;                 // nothing: everybody may do everything
    LoginLimits login;
    Revocation on_revocation = Revocation::disconnect;
    bool explains_to_clients = true;   // MQTT 5 clients are told the rule that refuses, with its file and line
    std::array<Byte, 32> nonce_key{};  // of real chance, other in each run: what the server adds to SCRAM
    bool binds_sessions = true;        // the session of a user is nobody else's
};

struct Question {
    std::optional<std::string_view> user_name;
    std::optional<Bytes> password;
    bool is_anonymous_allowed = false;  // by the listener
    std::string_view client_id{};
    std::string_view address{};  // with or without a port
    std::string_view listener{};
};

struct Answer {
    /// success: as an anonymous client; or bad_user_name_or_password, not_authorized.
    wire::ReasonCode code = wire::ReasonCode::success;
    /// The code is not known yet: this has to be carried out.
    std::optional<LoginCheck> check{};
};

/// A password in the form of a token is for the keys alone, if there are any; a user name that the password file has is
/// for that file alone; about everybody else with a name or a password the hook is asked, if there is one.
/// With none of the three a user name proves nothing: where anonymous clients are allowed it is ignored, elsewhere
/// nobody is let in. With one of them, who gives a name must prove it, also where anonymous clients are allowed.
Answer answer(const Policy& policy, const Question& question);
/// Why not, of a refusal without a check.
std::string_view reason_of(const Answer& answer, const Policy& policy);

/// Whether the proof would still be accepted: the user is there with the same password, the key of the token and what
/// is asked of tokens are the same, so is the hook.
bool is_still_proven(const Policy& policy, const Identity& identity);

/// What the policy grants it; nothing: everything is allowed. Borrows all three.
std::optional<Rights> rights_of(const Policy& policy, const Identity& identity, std::string_view client_id);

/// Changes with every new password of the user; never 0.
std::uint64_t credential_of(const PasswordHash& hash);

/// The verdict on a SASL ANONYMOUS message: trace information of at most 255 characters of UTF-8 (RFC 4505 section 2).
wire::ReasonCode answer_anonymous(std::string_view trace, bool is_anonymous_allowed);

}  // namespace ledge::auth
