// Reads the files that [auth] names into a policy.
#pragma once

#include "ledge/config/load.hpp"

namespace ledge::config {

/// Fills loaded.policy and loaded.policy_files from loaded.config.auth. Adds complaints (place "users:3") and notes.
void load_policy(Loaded& loaded);

}  // namespace ledge::config
