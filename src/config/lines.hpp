// [listeners.NAME.lines]: checks serial listeners with mode = "lines".
#pragma once

#include <map>
#include <string>

#include "ledge/config/load.hpp"
#include "listener_draft.hpp"

namespace ledge::config {

/// Checks the mode of the listener, and with mode = "lines" its options. `prefix` is "listeners.NAME". Adds complaints.
void check_lines(const std::string& prefix, const ListenerDraft& draft, const Endpoint& endpoint,
                 const std::map<std::string, std::string>& places, Loaded& loaded);

}  // namespace ledge::config
