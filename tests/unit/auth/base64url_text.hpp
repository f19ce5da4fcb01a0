// base64url (RFC 4648, 5) without padding, as tokens have it.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "ledge/base/base64.hpp"

namespace ledge::auth::test {

inline std::string to_base64url(std::string_view text) {
    std::string out = encode_base64(as_bytes(text));
    out.erase(std::find(out.begin(), out.end(), '='), out.end());
    std::replace(out.begin(), out.end(), '+', '-');
    std::replace(out.begin(), out.end(), '/', '_');
    return out;
}

}  // namespace ledge::auth::test
