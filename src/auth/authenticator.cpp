#include "ledge/auth/authenticator.hpp"

#include <algorithm>
#include <cstddef>

#include "ledge/wire/utf8.hpp"

namespace ledge::auth {

using wire::ReasonCode;

Answer answer(const Policy& policy, const Question& question) {
    if (policy.passwords && question.user_name) {
        const PasswordFile::Entry* entry = policy.passwords->find(*question.user_name);
        const PasswordHash* hash = entry != nullptr ? &entry->hash : policy.passwords->stand_in(*question.user_name);
        return {ReasonCode::bad_user_name_or_password, hash, entry != nullptr};
    }
    if (question.is_anonymous_allowed) return {};
    return {question.user_name ? ReasonCode::bad_user_name_or_password : ReasonCode::not_authorized};
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
