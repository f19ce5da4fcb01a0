// AccessRules: decides who a request comes from and which rights it has. Pages owns the object; on the thread of the
// loop.
#pragma once

#include <string>
#include <vector>

#include "api_request.hpp"
#include "ledge/admin/rights.hpp"
#include "ledge/auth/login_guard.hpp"
#include "ledge/base/log.hpp"
#include "ledge/base/result.hpp"
#include "ledge/base/time.hpp"
#include "ledge/transport/http.hpp"
#include "problem.hpp"

namespace ledge::admin {

class AccessRules {
public:
    /// `log` must outlive the object.
    AccessRules(std::vector<AdminToken> tokens, const Log& log) : tokens_(std::move(tokens)), log_(log) {}

    void set_tokens(std::vector<AdminToken> tokens) { tokens_ = std::move(tokens); }

    /// The error is the answer to a request without any right, or without the right that it `wants`.
    Result<Actor, Problem> judge(const transport::HttpRequest& request, Right wants, Instant now);

private:
    Result<Actor, Problem> find_actor(const transport::HttpRequest& request, Instant now);
    Result<Actor, Problem> judge_token(const transport::HttpRequest& request, Instant now);
    const AdminToken* find_token(std::string_view secret) const;

    std::vector<AdminToken> tokens_;
    const Log& log_;
    auth::LoginGuard guard_;  // counts wrong tokens
};

}  // namespace ledge::admin
