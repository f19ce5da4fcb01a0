#include "ledge/auth/authenticator.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>

#include "ledge/wire/utf8.hpp"

namespace ledge::auth {

using wire::ReasonCode;

Answer answer(const Policy& policy, const Question& question) {
    if (policy.passwords && question.user_name) {
        const PasswordFile::Entry* entry = policy.passwords->find(*question.user_name);
        const PasswordHash* hash = entry != nullptr ? &entry->hash : policy.passwords->stand_in(*question.user_name);
        Answer answer{ReasonCode::bad_user_name_or_password};
        if (hash == nullptr) return answer;
        answer.check = PasswordCheck{std::string(*question.user_name), *hash,
                                     Secret(question.password.value_or(Bytes{})), entry != nullptr};
        return answer;
    }
    if (question.is_anonymous_allowed) return {};
    return {question.user_name ? ReasonCode::bad_user_name_or_password : ReasonCode::not_authorized};
}

LoginOutcome carry_out(const LoginCheck& check) {
    const PasswordCheck& password = std::get<PasswordCheck>(check);
    LoginOutcome outcome;
    const bool is_password_right = is_right(password.hash, password.password.bytes());  // also of an unknown user
    if (!is_password_right || !password.is_user_known) {
        outcome.reason = "wrong user name or password";
        return outcome;
    }
    outcome.code = ReasonCode::success;
    outcome.identity.user = password.user;
    outcome.identity.proof = Proof::password;
    outcome.identity.credential = credential_of(password.hash);
    return outcome;
}

bool is_still_proven(const Policy& policy, const Identity& identity) {
    switch (identity.proof) {
        case Proof::none:
        case Proof::tls: return true;
        case Proof::password: break;
    }
    if (!policy.passwords || !identity.user) return false;
    const PasswordFile::Entry* entry = policy.passwords->find(*identity.user);
    return entry != nullptr && credential_of(entry->hash) == identity.credential;
}

std::uint64_t credential_of(const PasswordHash& hash) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < sizeof value; ++i) value = (value << 8U) | hash.digest[i];
    return value | 1U;
}

bool is_known_method(std::string_view method) { return method == "ANONYMOUS"; }

ReasonCode answer_anonymous(std::string_view trace, bool is_anonymous_allowed) {
    constexpr std::ptrdiff_t trace_characters_max = 255;
    const auto starts_character = [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; };
    const bool is_too_long = std::ranges::count_if(trace, starts_character) > trace_characters_max;
    if (is_too_long || !wire::is_valid_utf8(trace)) return ReasonCode::not_authorized;
    return is_anonymous_allowed ? ReasonCode::success : ReasonCode::not_authorized;
}

}  // namespace ledge::auth
