// UserRate: limits what all connections of one user name send together, whatever their number is and however often they
// reconnect. The shard owns one UserRate for each user (broker/user_rates); the ReadRate of each connection refers to
// it. Used on the shard's thread.
#pragma once

#include <cstdint>
#include <vector>

#include "ledge/base/assert.hpp"
#include "ledge/base/token_bucket.hpp"

namespace ledge::session {

struct SessionLimits;

class UserRate {
public:
    static bool is_wanted(const SessionLimits& limits);

    /// Full buckets with the values of the listener through which the user has connected first. join() must follow.
    UserRate(const SessionLimits& limits, Instant now);

    /// One more connection, through a listener with `limits`, which must outlive the connection. If the connections of
    /// the user come through several listeners, the smallest value of each kind holds; 0 = no limit.
    void join(const SessionLimits& limits);
    /// One connection less. Requires an earlier join() with the same limits.
    void leave(const SessionLimits& limits);
    /// Number of connections that have joined.
    std::uint32_t connections() const;

    void take(std::uint64_t messages, std::uint64_t bytes) {
        messages_.take(messages);
        bytes_.take(bytes);
    }
    void refill(Instant now) {
        messages_.refill(now);
        bytes_.refill(now);
    }
    /// True when the next packet may be processed, as of the last refill.
    bool is_ready() const { return messages_.is_ready() && bytes_.is_ready(); }
    Instant ready_at() const { return std::max(messages_.ready_at(), bytes_.ready_at()); }
    /// When both buckets are full. From then on this object is no different from a new one.
    Instant full_at() const { return std::max(messages_.full_at(), bytes_.full_at()); }

    /// Counts the connections that only this rate keeps waiting. While there are any, the other connections of the user
    /// wait behind them.
    void wait() { ++waiting_; }
    void wait_no_more() {
        LEDGE_ASSERT(waiting_ > 0);
        --waiting_;
    }
    bool is_awaited() const { return waiting_ != 0; }
    /// A connection pauses because of this rate. True for the first pause of an episode.
    bool pause(Instant now);

private:
    /// The connections of the user through one listener.
    struct ListenerUse {
        const SessionLimits* limits;
        std::uint32_t connections;
    };

    void adjust();

    TokenBucket messages_;
    TokenBucket bytes_;
    std::vector<ListenerUse> uses_;      // one for each listener
    Instant quiet_at_ = Instant::min();  // a pause after this time begins a new episode
    std::uint32_t waiting_ = 0;          // connections that only this rate keeps waiting
};

}  // namespace ledge::session
