#include "problem.hpp"

#include "ledge/base/json.hpp"

namespace ledge::admin {

transport::HttpAnswer answer_of(const Problem& problem) {
    JsonWriter body;
    // RFC 9457 section 4.2.1: with this type the title is the reason phrase of the status.
    body.text("type", "about:blank");
    body.text("title", transport::http_reason(problem.status));
    body.number("status", std::uint64_t{problem.status});
    body.text("detail", problem.detail);
    if (!problem.field.empty()) body.text("field", problem.field);
    transport::HttpAnswer answer;
    answer.status = problem.status;
    answer.content_type = problem_type;
    answer.body = body.finish();
    return answer;
}

}  // namespace ledge::admin
