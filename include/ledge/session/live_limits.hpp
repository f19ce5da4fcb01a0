// Which limits change under connected clients when the configuration is read again, and which hold until a restart.
#pragma once

#include "ledge/session/listener_options.hpp"

namespace ledge::session {

/// `wanted`, but for what a connection holds on to: what CONNACK has told the client, and the rates, whose tokens are
/// under way. Those stay as in `running`.
SessionLimits with_live_limits(const SessionLimits& running, const SessionLimits& wanted);

/// All that a listener takes over from a new configuration while it serves: limits, places, who may be anonymous.
void take_live_options(ListenerOptions& running, const ListenerOptions& wanted);

}  // namespace ledge::session
