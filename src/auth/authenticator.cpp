#include "ledge/auth/authenticator.hpp"

#include "ledge/wire/utf8.hpp"

namespace ledge::auth {

using wire::ReasonCode;

ReasonCode answer(const Question& question) {
    if (question.is_anonymous_allowed) return ReasonCode::success;
    return question.user_name ? ReasonCode::bad_user_name_or_password : ReasonCode::not_authorized;
}

bool is_known_method(std::string_view method) { return method == "ANONYMOUS"; }

ReasonCode answer_anonymous(std::string_view trace, bool is_anonymous_allowed) {
    constexpr std::size_t trace_bytes_max = 4 * 255;
    if (trace.size() > trace_bytes_max || !wire::is_valid_utf8(trace)) return ReasonCode::not_authorized;
    return is_anonymous_allowed ? ReasonCode::success : ReasonCode::not_authorized;
}

}  // namespace ledge::auth
