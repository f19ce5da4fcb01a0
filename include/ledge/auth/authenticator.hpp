// Decides whether a client may connect. answer() either decides at once, or returns a check that takes time. Another
// thread carries out the check, and the connection waits for its result. The functions here are stateless; answer()
// runs on the thread of the shard.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "ledge/auth/acl.hpp"
#include "ledge/auth/identity.hpp"
#include "ledge/auth/login_check.hpp"
#include "ledge/auth/login_limits.hpp"
#include "ledge/auth/password_file.hpp"
#include "ledge/auth/revocation.hpp"
#include "ledge/auth/rights.hpp"
#include "ledge/base/bytes.hpp"
#include "ledge/wire/types.hpp"

namespace ledge::auth {

/// All rules for logins and rights. A policy in force is a snapshot that nobody changes: it is handed over as
/// std::shared_ptr<const Policy>, and replaced as a whole when its files are read again. The rights of a client keep
/// the snapshot alive that they judge by.
struct Policy {
    std::optional<PasswordFile> passwords;  // nullopt = no password file
    std::optional<TokenRules> tokens;       // nullopt = a token has no special meaning, it is an ordinary password
    std::optional<HookOptions> hook;        // decides about users whom the others do not know; nullopt = no hook
    std::optional<Acl> acl;                 // nullopt = every client may publish and receive every topic
    LoginLimits login;
    Revocation on_revocation = Revocation::disconnect;
    bool explains_to_clients = true;   // tell MQTT 5 clients the rule that refuses a request, with its file and line
    std::array<Byte, 32> nonce_key{};  // random bytes, new in each run; the key of the server's nonces in SCRAM
    bool binds_sessions = true;        // a session belongs to its user, and no other user may resume it
};

/// The login data of one CONNECT. Borrowed for the call.
struct LoginRequest {
    std::optional<std::string_view> user_name;
    std::optional<Bytes> password;
    bool is_anonymous_allowed = false;  // an option of the listener
    std::string_view client_id{};
    std::string_view address{};  // with or without a port
    std::string_view listener{};
};

struct LoginAnswer {
    /// The answer if there is no `check`: success (the client is anonymous), bad_user_name_or_password or
    /// not_authorized.
    wire::ReasonCode code = wire::ReasonCode::success;
    /// If set, this check must be carried out first, and its result is the answer.
    std::optional<LoginCheck> check{};
};

/// Chooses who decides about a login. If there are token keys, only they decide about a password in the form of a
/// token. Only the password file decides about a user name that it contains. The hook, if there is one, decides about
/// all other clients with a user name or a password.
/// Without keys, password file and hook, nobody can prove a user name. Such a name is then ignored if the listener
/// allows anonymous clients; otherwise the client is refused. With at least one of them, a client that gives a name
/// must prove the name, even if anonymous clients are allowed.
LoginAnswer answer(const Policy& policy, const LoginRequest& question);
/// Returns why the client is refused, for an answer that is a refusal without a check.
std::string_view reason_of(const LoginAnswer& answer, const Policy& policy);

/// True if the policy would still accept the proof of a connected client. The user must still have the same password;
/// or the key of the token and the rules for tokens must be unchanged; or the hook must be unchanged.
bool is_still_proven(const Policy& policy, const Identity& identity);

/// Returns the rights of a client; nullopt = everything is allowed. The rights share `policy`, which is not nullptr,
/// and borrow the identity and the client id.
std::optional<Rights> rights_of(const std::shared_ptr<const Policy>& policy, const Identity& identity,
                                std::string_view client_id);

/// Returns a number that identifies the password; a new password of the user has another number. Never 0.
std::uint64_t credential_of(const PasswordHash& hash);

/// Decides about a message of SASL ANONYMOUS. `trace` is trace information: at most 255 characters of UTF-8 (RFC 4505
/// section 2).
wire::ReasonCode answer_anonymous(std::string_view trace, bool is_anonymous_allowed);

}  // namespace ledge::auth
