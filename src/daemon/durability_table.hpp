// A table for the operator: which acknowledged messages survive a crash, a power cut, a full disk or a damaged file.
#pragma once

#include <string>

#include "ledge/config/config.hpp"

namespace ledge::daemon {

std::string durability_table(const config::Config& config);

}  // namespace ledge::daemon
