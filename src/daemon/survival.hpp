// What acknowledged messages survive with a given configuration, as a table for people.
#pragma once

#include <string>

#include "ledge/config/config.hpp"

namespace ledge::daemon {

std::string survival_table(const config::Config& config);

}  // namespace ledge::daemon
