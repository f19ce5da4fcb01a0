// Topics that are the broker's own: clients may read them, only the broker publishes there.
#pragma once

#include <string_view>

namespace ledge::session {

/// Where bridges say whether they are connected: "$SYS/broker/connection/NAME/state", as will and as retained message.
/// Mosquitto's bridges do so by default, on both sides, and dashboards read it there.
inline bool is_bridge_state(std::string_view topic) { return topic.starts_with("$SYS/broker/connection/"); }

/// "$SYS/...", but for what bridges say. Other topics that begin with '$' are the clients'.
inline bool belongs_to_broker(std::string_view topic) { return topic.starts_with("$SYS/") && !is_bridge_state(topic); }

}  // namespace ledge::session
