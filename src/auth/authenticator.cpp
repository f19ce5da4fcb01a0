#include "ledge/auth/authenticator.hpp"

#include <algorithm>
#include <cstddef>

#include "ledge/wire/utf8.hpp"

namespace ledge::auth {

using wire::ReasonCode;

ReasonCode answer(const Question& question) {
    if (question.is_anonymous_allowed) return ReasonCode::success;
    return question.user_name ? ReasonCode::bad_user_name_or_password : ReasonCode::not_authorized;
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
