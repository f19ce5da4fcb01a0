// Throttle: the connections that are not read for now, because their clients send faster than they may. They stand in
// the order in which they were paused: of those that share the rate of a user, whoever has waited longest is first.
#pragma once

#include <vector>

#include "ledge/base/log.hpp"
#include "ledge/session/connection.hpp"
#include "ledge/session/counters.hpp"

namespace ledge::broker {

class Throttle {
public:
    /// Pauses end on this grid: one look at all that are paused serves many.
    static constexpr Duration grain = 10ms;

    struct Services {
        const Log& log;
        session::Counters& counters;
    };

    explicit Throttle(const Services& services) : services_(services) {}

    /// `connection` has a rate, and used it up.
    void pause(session::Connection& connection, Instant now);
    void forget(const session::Connection& connection);
    /// One whose pause is over, its rate refilled; nullptr: none at `now`. Call until nullptr.
    session::Connection* pop_due(Instant now);

    /// When pop_due() must be called next; `never` when nobody is paused. Asked, like size(), between two rounds.
    Instant next_deadline() const { return paused_.empty() ? never : deadline_; }
    std::size_t size() const { return paused_.size(); }

private:
    void report(const session::Connection& connection);
    void end_round(Instant now);

    Services services_;
    std::vector<session::Connection*> paused_;  // nullptr: its pause has ended in the round that is under way
    std::size_t looked_ = 0;                    // of paused_, in the round that is under way
    Instant deadline_ = never;                  // of the next round
};

}  // namespace ledge::broker
