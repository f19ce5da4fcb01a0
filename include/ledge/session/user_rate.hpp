// User rate: what all connections of one user name may send together, however many they are and however often they come
// anew. One state for all of them, in the shard (broker/user_rates); each of them has it in its ReadRate.
#pragma once

#include <cstdint>
#include <vector>

#include "ledge/base/token_bucket.hpp"
#include "ledge/session/limits.hpp"

namespace ledge::session {

class UserRate {
public:
    static bool is_wanted(const SessionLimits& limits) {
        return limits.user_messages_per_second != 0 || limits.user_bytes_per_second != 0;
    }

    /// Full, with the values of the listener through which the user comes first; then join() it.
    UserRate(const SessionLimits& limits, Instant now)
        : messages_(limits.user_messages_per_second, limits.user_messages_burst, now),
          bytes_(limits.user_bytes_per_second, limits.user_bytes_burst, now) {}

    /// A connection through a listener with `limits`, which outlive it. From several listeners the smallest value of
    /// each kind holds, 0 being none.
    void join(const SessionLimits& limits);
    void leave(const SessionLimits& limits);
    std::uint32_t connections() const;

    void take(std::uint64_t messages, std::uint64_t bytes) {
        messages_.take(messages);
        bytes_.take(bytes);
    }
    void refill(Instant now) {
        messages_.refill(now);
        bytes_.refill(now);
    }
    /// The next packet may be looked at, as of the last refill.
    bool is_ready() const { return messages_.is_ready() && bytes_.is_ready(); }
    Instant ready_at() const { return std::max(messages_.ready_at(), bytes_.ready_at()); }
    /// From then on it is as good as a new one.
    Instant full_at() const { return std::max(messages_.full_at(), bytes_.full_at()); }

    /// Connections that nothing but this rate keeps waiting. While there are any the others stand in line behind them.
    void wait() { ++waiting_; }
    void wait_no_more() { --waiting_; }
    bool is_awaited() const { return waiting_ != 0; }
    /// True for the first pause of an episode.
    bool pause(Instant now);

private:
    struct Through {
        const SessionLimits* limits;
        std::uint32_t connections;
    };

    void adjust();

    TokenBucket messages_;
    TokenBucket bytes_;
    std::vector<Through> through_;  // one for each listener
    Instant quiet_at_ = Instant::min();
    std::uint32_t waiting_ = 0;
};

}  // namespace ledge::session
