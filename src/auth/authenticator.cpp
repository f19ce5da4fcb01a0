// The decisions about logins, and the computation of a password check.
#include "ledge/auth/authenticator.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/base/network.hpp"
#include "ledge/wire/utf8.hpp"

namespace ledge::auth {

using wire::ReasonCode;

namespace {

Secret secret_of(const LoginRequest& question) { return Secret(question.password.value_or(Bytes{})); }

/// The check for a user of the file, or, for an unknown user, a check that takes as long. nullopt = the file has no
/// users.
std::optional<LoginCheck> password_check(const PasswordFile& passwords, const PasswordFile::Entry* entry,
                                         const LoginRequest& question) {
    LEDGE_ASSERT(question.user_name);
    const PasswordHash* hash = entry != nullptr ? &entry->hash : passwords.decoy(*question.user_name);
    if (hash == nullptr) return std::nullopt;
    return PasswordCheck{std::string(*question.user_name), *hash, secret_of(question), entry != nullptr};
}

HookQuestion hook_question(const LoginRequest& question) {
    HookQuestion result;
    if (question.user_name) result.user_name = std::string(*question.user_name);
    if (question.password) result.password = Secret(*question.password);
    result.client_id = question.client_id;
    result.address = host_of(question.address);
    result.listener = question.listener;
    return result;
}

LoginOutcome check_password(const PasswordCheck& check) {
    LoginOutcome outcome;
    // Compute the hash for an unknown user too, so that the time does not tell which users exist.
    const bool is_password_right = is_right(check.hash, check.password.bytes());
    if (!is_password_right || !check.is_user_known) {
        outcome.reason = "wrong user name or password";
        return outcome;
    }
    outcome.code = ReasonCode::success;
    outcome.identity.user = check.user;
    outcome.identity.proof = Proof::password;
    outcome.identity.credential = credential_of(check.hash);
    return outcome;
}

}  // namespace

LoginAnswer answer(const Policy& policy, const LoginRequest& question) {
    // First the token keys, then the password file, then the hook; see the header.
    LoginAnswer refused{ReasonCode::bad_user_name_or_password, std::nullopt};
    if (policy.tokens && question.password && looks_like_token(*question.password)) {
        std::optional<std::string> user_name;
        if (question.user_name) user_name = std::string(*question.user_name);
        refused.check = TokenCheck{std::move(user_name), secret_of(question)};
        return refused;
    }
    // Without a hook, the password file also decides about names that it does not contain.
    if (policy.passwords && question.user_name) {
        const PasswordFile::Entry* entry = policy.passwords->find(*question.user_name);
        if (entry != nullptr || !policy.hook) {
            refused.check = password_check(*policy.passwords, entry, question);
            return refused;
        }
    }
    const bool gives_credentials = question.user_name || question.password;
    if (policy.hook && gives_credentials) {
        refused.check = hook_question(question);
        return refused;
    }
    // With token keys, a password that is no token proves nothing.
    if (policy.tokens && gives_credentials) return refused;
    // Here the client gives no user name, or nothing could prove the name. Such a name is ignored.
    if (question.is_anonymous_allowed) return {};
    if (question.user_name) return refused;
    return {ReasonCode::not_authorized, std::nullopt};
}

std::string_view reason_of(const LoginAnswer& answer, const Policy& policy) {
    const bool can_prove_names = policy.passwords || policy.tokens || policy.hook;
    if (!can_prove_names)
        return "anonymous clients are not allowed on this listener, and the broker has no password file, token key or "
               "hook";
    return answer.code == ReasonCode::not_authorized ? "anonymous clients are not allowed on this listener"
                                                     : "wrong user name or password";
}

LoginOutcome carry_out(const LoginCheck& check, WallTime now) {
    if (const auto* password = std::get_if<PasswordCheck>(&check)) return check_password(*password);
    if (const auto* token = std::get_if<TokenCheck>(&check))
        return check_token(token->rules, token->token.bytes(), token->user_name, now);
    return no_hook_answer("there is no authentication hook");  // a HookQuestion is not for the worker
}

namespace {

bool is_password_still_there(const Policy& policy, const Identity& identity) {
    if (!policy.passwords || !identity.user) return false;
    const PasswordFile::Entry* entry = policy.passwords->find(*identity.user);
    return entry != nullptr && credential_of(entry->hash) == identity.credential;
}

bool is_key_still_there(const Policy& policy, const Identity& identity) {
    if (!policy.tokens) return false;
    return std::ranges::any_of(policy.tokens->keys, [&](const TokenKey& key) {
        return credential_of(*policy.tokens, key) == identity.credential;
    });
}

}  // namespace

bool is_still_proven(const Policy& policy, const Identity& identity) {
    switch (identity.proof) {
        case Proof::none:
        case Proof::tls:
        case Proof::program: return true;  // the policy has no part in these proofs
        case Proof::password: return is_password_still_there(policy, identity);
        case Proof::token: return is_key_still_there(policy, identity);
        case Proof::hook: return policy.hook && credential_of(*policy.hook) == identity.credential;
    }
    return false;
}

std::optional<Rights> rights_of(const std::shared_ptr<const Policy>& policy, const Identity& identity,
                                std::string_view client_id) {
    LEDGE_ASSERT(policy != nullptr);
    // The configuration of a part of the program says what the part does. Rules for users would only stand in its way.
    if (identity.proof == Proof::program) return std::nullopt;
    // Without an ACL, the acl claim of a token is the only list of rules.
    const Acl* granted = identity.granted ? &*identity.granted : nullptr;
    if (policy->acl) {
        Rights rights(*policy->acl, identity.user, client_id, identity.roles, granted);
        rights.hold(policy);
        return rights;
    }
    if (granted != nullptr) return Rights(*granted, identity.user, client_id);
    return std::nullopt;
}

std::uint64_t credential_of(const PasswordHash& hash) {
    // The first bytes of the digest are as good as random, so two passwords practically never have the same number.
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < sizeof value; ++i) value = (value << 8U) | hash.digest[i];
    return value | 1U;  // never 0, which means "no credential"
}

ReasonCode answer_anonymous(std::string_view trace, bool is_anonymous_allowed) {
    constexpr std::ptrdiff_t trace_characters_max = 255;
    // Every byte of UTF-8 except 10xxxxxx begins a character.
    const auto starts_character = [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; };
    const bool is_too_long = std::ranges::count_if(trace, starts_character) > trace_characters_max;
    if (is_too_long || !wire::is_valid_utf8(trace)) return ReasonCode::not_authorized;
    return is_anonymous_allowed ? ReasonCode::success : ReasonCode::not_authorized;
}

}  // namespace ledge::auth
