// QueueFindings: how long the queues of all sessions are, and which sessions have the longest queues and the most
// losses. Plain values, which the last complete survey of the shard has found (src/broker/queue_survey.hpp).
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "ledge/session/owner_figure.hpp"

namespace ledge::broker {

/// Sessions that begin or end during a survey may be missing in it.
struct QueueFindings {
    bool is_known = false;  // false = no survey is complete yet
    /// Sessions by the length of their queue, messages in flight included: 0, 1 to 9, 10 to 99, and so on. The last
    /// element counts all longer queues.
    static constexpr std::size_t lengths = 7;
    std::array<std::uint64_t, lengths> sessions_by_length{};
    // At most ten sessions by client id, largest number first; a session with 0 is not listed.
    std::vector<session::OwnerFigure> longest;  // messages in the queue
    std::vector<session::OwnerFigure> losses;   // messages lost since the start of the broker
};

}  // namespace ledge::broker
