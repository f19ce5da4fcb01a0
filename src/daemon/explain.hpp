// ledgemq explain: names the rule that allows or denies an action.
#pragma once

#include <string>

#include "ledge/config/command_line.hpp"
#include "ledge/config/load.hpp"

namespace ledge::daemon {

struct Explanation {
    std::string text;
    bool is_allowed = false;
};
/// The answer as text, "denied: acl.conf:3 (topic deny a/#)", and further lines that begin with "note: ".
Explanation explain(const config::Command::Explain& question, const auth::Policy& policy);

/// Prints the explanation. Exit status 0 = allowed, 1 = denied, 2 = the topic is not valid.
int explain(const config::Command::Explain& question, const config::Loaded& loaded);

}  // namespace ledge::daemon
