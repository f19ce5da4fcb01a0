// Reads the files that [auth] names into a policy, and the devices files of listeners.
#pragma once

#include "ledge/config/load.hpp"

namespace ledge::config {

/// Fills loaded.policy and loaded.policy_files from loaded.config.auth. Adds complaints (place "users:3") and notes.
void load_policy(Loaded& loaded);
/// Reads the devices files, by the name of their listener. Fills loaded.devices, and adds to loaded.policy_files,
/// complaints and notes.
void load_devices(const std::map<std::string, std::string>& files, Loaded& loaded);

}  // namespace ledge::config
