// A table for the operator: which acknowledged messages survive a crash, a power cut, a full disk or a damaged file.
#pragma once

#include <string>

namespace ledge::config {
struct Config;
}  // namespace ledge::config

namespace ledge::daemon {

std::string durability_table(const config::Config& config);

}  // namespace ledge::daemon
