// The files that [auth] names become a policy.
#pragma once

#include "ledge/config/load.hpp"

namespace ledge::config {

/// Fills loaded.policy; adds complaints ("users:3") and notes.
void load_policy(Loaded& loaded);

}  // namespace ledge::config
