// QueueLosses: messages of one session that never reach its client, by reason. Plain numbers that only grow, counted
// since the start of the broker. Owned by the session's queue, which makes them with the first loss.
#pragma once

#include <cstdint>

namespace ledge::session {

struct QueueLosses {
    std::uint64_t queue_full = 0;   // dropped by the overflow policy: the message itself, or the oldest one for it
    std::uint64_t refused = 0;      // not accepted from the publisher, because this queue is full
    std::uint64_t memory = 0;       // memory was short, and the store did not have the message
    std::uint64_t slow_reader = 0;  // QoS 0, and the client does not read fast enough
    std::uint64_t expired = 0;      // the Message Expiry Interval, or QueueRules::age_max, was over
    std::uint64_t replaced = 0;     // a newer message of the topic has come (QueueRules::last_value)
    std::uint64_t unreadable = 0;   // the store has lost the message
    std::uint64_t cleared = 0;      // an operator has cleared the queue

    /// All but `refused`: the publisher knows that such a message was not accepted.
    std::uint64_t lost() const { return queue_full + memory + slow_reader + expired + replaced + unreadable + cleared; }

    // Of all these: what had been in the queue.
    std::uint64_t removed_messages = 0;
    std::uint64_t removed_bytes = 0;
};

}  // namespace ledge::session
