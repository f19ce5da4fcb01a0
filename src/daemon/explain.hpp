// ledgemq explain: which rule decides.
#pragma once

#include <string>

#include "ledge/config/command_line.hpp"
#include "ledge/config/load.hpp"

namespace ledge::daemon {

struct Explanation {
    std::string text;
    bool is_allowed = false;
};
/// "denied: acl.conf:3 (topic deny a/#)" and what else should be known.
Explanation explain(const config::Command::Explain& question, const auth::Policy& policy);

/// Prints it. Exit status 0: allowed, 1: denied, 2: the topic is none.
int explain(const config::Command::Explain& question, const config::Loaded& loaded);

}  // namespace ledge::daemon
