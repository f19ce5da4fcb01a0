// QueueRules: which messages a session's queue keeps, and for how long. Options of a listener, and constant while the
// broker runs. Most listeners have no rules.
#pragma once

#include <string>
#include <vector>

#include "ledge/base/time.hpp"

namespace ledge::session {

struct QueueRules {
    /// A message that has waited for longer is not sent any more; 0 = no limit. A message that was sent once is finished
    /// in any case. The limit belongs to the queue: the Message Expiry Interval that a receiver gets stays as it is.
    Duration age_max{};
    /// Filters of topics whose messages replace each other: of those not yet sent, the queue keeps the newest per topic.
    std::vector<std::string> last_value = {};
};

}  // namespace ledge::session
