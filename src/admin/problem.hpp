// Problems: the errors of the API as RFC 9457 describes them. Stateless.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "ledge/transport/http.hpp"

namespace ledge::admin {

inline constexpr std::string_view json_type = "application/json";

struct Problem {
    std::uint16_t status = 400;
    std::string detail;      // a sentence that tells how to mend the request
    std::string field = {};  // the wrong member of the body or query parameter; "" = none
};

inline transport::HttpAnswer answer_of(const Problem& problem) {
    return transport::http_error(problem.status, problem.detail, problem.field);
}
inline transport::HttpAnswer problem(std::uint16_t status, std::string_view detail, std::string_view field = {}) {
    return transport::http_error(status, detail, field);
}

}  // namespace ledge::admin
