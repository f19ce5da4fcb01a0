// Topics that belong to the broker: clients may subscribe to them, but only the broker publishes to them. Stateless.
#pragma once

#include <string_view>

namespace ledge::session {

/// True for "$SYS/broker/connection/NAME/state" and the topics beside it. A bridge publishes there whether it is
/// connected, as a retained message and as its will. Mosquitto's bridges do so by default on both brokers, and
/// dashboards read these topics.
inline bool is_bridge_state(std::string_view topic) { return topic.starts_with("$SYS/broker/connection/"); }

/// True for "$SYS/...", except the topics of bridges. Clients may publish to all other topics that begin with '$'.
inline bool belongs_to_broker(std::string_view topic) { return topic.starts_with("$SYS/") && !is_bridge_state(topic); }

}  // namespace ledge::session
