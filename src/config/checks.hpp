// Checks that concern several options together: addresses of listeners, pairs of limits, TLS files and their url.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "ledge/config/load.hpp"
#include "listener_draft.hpp"

namespace ledge::config {

inline constexpr std::string_view default_listener_name = "local";
inline constexpr std::string_view default_listener_url = "mqtt://127.0.0.1:1883";

/// Checks `loaded.config` and `drafts`. Adds the listeners to `loaded.config`, and complaints and notes to `loaded`.
/// `places`: key -> where its value was set. `is_durability_flag`: a flag has set store.durability.
void check_all(Loaded& loaded, const std::map<std::string, ListenerDraft>& drafts,
               const std::map<std::string, std::string>& places, bool is_durability_flag);

}  // namespace ledge::config
