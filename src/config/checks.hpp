// What only makes sense together: addresses, pairs of limits, what this build offers.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "ledge/config/load.hpp"
#include "options.hpp"

namespace ledge::config {

inline constexpr std::string_view default_listener_name = "local";
inline constexpr std::string_view default_listener_url = "mqtt://127.0.0.1:1883";

/// Checks `loaded.config`, adds the listeners to it, and complaints and notes to `loaded`. `places`: key -> where it
/// was said.
void check_all(Loaded& loaded, const std::map<std::string, ListenerDraft>& drafts,
               const std::map<std::string, std::string>& places);

}  // namespace ledge::config
