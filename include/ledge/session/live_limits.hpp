// Which limits of connected clients change when the configuration is read again, and which ones stay until a restart.
// Stateless.
#pragma once

#include "ledge/session/listener_options.hpp"

namespace ledge::session {

/// Returns `wanted`, except for limits that a connection cannot change: those that CONNACK has told the client, and the
/// rates, whose token buckets are in use. These stay as in `running`.
SessionLimits with_live_limits(const SessionLimits& running, const SessionLimits& wanted);

/// Changes the options that may change while the listener is in use: the limits above, connections_max, allow_anonymous
/// and the rules of a listener that has rules. Queues refer to the rules, so the owner of a queue with changed rules
/// then calls SessionQueue::note_changed_rules().
void take_live_options(ListenerOptions& running, const ListenerOptions& wanted);

}  // namespace ledge::session
