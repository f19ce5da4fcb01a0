// Who may connect: a question, an answer. The only credential so far is the listener itself.
#pragma once

#include <optional>
#include <string_view>

#include "ledge/base/bytes.hpp"
#include "ledge/wire/types.hpp"

namespace ledge::auth {

struct Question {
    std::string_view client_id;
    std::optional<std::string_view> user_name;
    std::optional<Bytes> password;
    bool is_anonymous_allowed = false;  // by the listener
};

/// success, bad_user_name_or_password or not_authorized. Where anonymous clients are allowed, a user name is accepted
/// and means nothing; elsewhere nobody is, because no credentials are known.
wire::ReasonCode answer(const Question& question);

/// Enhanced authentication methods (5.0 section 4.12) that are built in: SASL ANONYMOUS (RFC 4505).
bool is_known_method(std::string_view method);

/// The verdict on a SASL ANONYMOUS message: trace information of at most 255 characters of UTF-8 (RFC 4505 section 2).
wire::ReasonCode answer_anonymous(std::string_view trace, bool is_anonymous_allowed);

}  // namespace ledge::auth
