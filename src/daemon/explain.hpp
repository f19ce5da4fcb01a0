// ledgemq explain: names the rule that allows or denies an action.
#pragma once

#include <string>
#include <vector>

#include "ledge/config/command_line.hpp"
#include "ledge/config/load.hpp"

namespace ledge::daemon {

struct Explanation {
    std::string text;
    bool is_allowed = false;
};
/// The answer as text, "denied: acl.conf:3 (topic deny a/#)", and further lines that begin with "note: ".
Explanation explain(const config::Command::Explain& question, const auth::Policy& policy,
                    const std::vector<config::BridgeSettings>& bridges = {});

/// A sentence without a stop which says that the rules of the ACL do not concern these bridges; "" = no bridges.
std::string rules_beside(const std::vector<config::BridgeSettings>& bridges);

/// Prints the explanation. Exit status 0 = allowed, 1 = denied, 2 = the topic is not valid. For a question about a key:
/// 0, or 2 = there is no such key.
int explain(const config::Command::Explain& question, const config::Loaded& loaded);

}  // namespace ledge::daemon
