// QueueRules: which messages a session's queue gets and keeps, and for how long. Options of a listener, which change
// only when the configuration is read again. Most listeners have no rules.
#pragma once

#include <string>
#include <vector>

#include "ledge/base/time.hpp"

namespace ledge::session {

struct QueueRules {
    /// A message that has waited for longer is not sent any more; 0 = no limit. A message that was sent once is
    /// finished in any case. The limit belongs to the queue: the Message Expiry Interval that a receiver gets stays as
    /// it is.
    Duration age_max{};
    /// Filters of topics whose messages replace each other: of those not yet sent, the queue keeps the newest per
    /// topic.
    std::vector<std::string> last_value = {};
    /// Filters of topics that the session leaves to the session of `excluded_client`: it does not get a message of them
    /// that the other session gets. As long as the other one is absent or has no matching subscription, this session
    /// gets them, so that no message is lost. Shared subscriptions are not concerned.
    std::vector<std::string> excluded = {};
    /// The session does not get what this client publishes; "" = no client is excluded. No Local [MQTT-3.8.3-3] says
    /// this of the session's own client; here it is another client that does the same work.
    std::string excluded_client = {};
    /// The session only becomes empty: its subscriptions end at the start of the broker.
    bool only_empties = false;
};

}  // namespace ledge::session
