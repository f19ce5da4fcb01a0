// The request of the API that a command of `ctl` stands for. Stateless.
#pragma once

#include <string>

#include "ledge/base/result.hpp"
#include "ledge/cli/ctl_commands.hpp"

namespace ledge::cli {

struct CtlRequest {
    std::string method;
    std::string target;  // with its query
    std::string body;    // JSON; "" = none
};

/// `after`: the cursor of the page before; "" = the first page. The error says which argument is wrong.
Result<CtlRequest, std::string> request_of(const CtlOptions& options, const std::string& after = {});

/// The sentence about an answer that is no success: the words of the problem (RFC 9457), and what may help.
std::string problem_text(unsigned status, const std::string& body);

}  // namespace ledge::cli
