// Problems: the errors of the API as RFC 9457 describes them. Stateless.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "ledge/transport/http.hpp"

namespace ledge::admin {

inline constexpr std::string_view json_type = "application/json";
inline constexpr std::string_view problem_type = "application/problem+json";

struct Problem {
    std::uint16_t status = 400;
    std::string detail;      // a sentence that tells how to mend the request
    std::string field = {};  // the wrong member of the body or query parameter; "" = none
};

/// {"type":"about:blank","title":...,"status":...,"detail":...,"field":...}; without a field the member is left out.
transport::HttpAnswer answer_of(const Problem& problem);
inline transport::HttpAnswer problem(std::uint16_t status, std::string_view detail, std::string_view field = {}) {
    return answer_of({status, std::string(detail), std::string(field)});
}

}  // namespace ledge::admin
