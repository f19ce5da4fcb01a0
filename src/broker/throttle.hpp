// Throttle: the connections that are paused (not read) because their clients exceed a rate limit. They are kept in the
// order in which they were paused. So among connections that share the rate of a user, the one that has waited longest
// is served first. Owned by the shard; on the shard's thread.
#pragma once

#include <vector>

#include "ledge/base/log.hpp"
#include "ledge/session/connection.hpp"
#include "ledge/session/counters.hpp"

namespace ledge::broker {

class Throttle {
public:
    /// Pauses end at multiples of this time, so that one pass over the paused connections resumes many of them.
    static constexpr Duration grain = 10ms;

    struct Services {
        const Log& log;
        session::Counters& counters;
    };

    explicit Throttle(const Services& services) : services_(services) {}

    // One round: pop_due() until it returns nullptr.
    /// Pauses a connection that has used up its rate. Requires that the connection has a rate limit.
    void pause(session::Connection& connection, Instant now);
    /// The connection is about to be destroyed.
    void forget(const session::Connection& connection);
    /// A connection whose pause is over, with its rate refilled. nullptr when no further pause is over at `now`.
    session::Connection* pop_due(Instant now);

    /// When pop_due() must be called next; `never` when no connection is paused. Valid between two rounds only, like
    /// size().
    Instant next_deadline() const { return paused_.empty() ? never : deadline_; }
    std::size_t size() const { return paused_.size(); }

private:
    void report(const session::Connection& connection);
    void end_round(Instant now);

    Services services_;
    std::vector<session::Connection*> paused_;  // oldest first; nullptr = the pause ended in the present round
    std::size_t looked_ = 0;                    // entries of paused_ that the present round has examined
    Instant deadline_ = never;                  // of the next round
};

}  // namespace ledge::broker
