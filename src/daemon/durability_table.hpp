// Which acknowledged messages are still there after a crash, a power cut, a full disk or a damaged file, as a table for
// the operator.
#pragma once

#include <string>

#include "ledge/config/config.hpp"

namespace ledge::daemon {

std::string durability_table(const config::Config& config);

}  // namespace ledge::daemon
