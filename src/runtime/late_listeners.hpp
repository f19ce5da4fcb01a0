// LateListeners: the endpoints that could not be opened yet, mostly because a network comes up later than the broker.
// Each endpoint is tried again with growing pauses; the other listeners are served meanwhile. A BrokerLoop owns the
// object and calls it on the loop's thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ledge/base/log.hpp"
#include "ledge/transport/listener.hpp"

namespace ledge::runtime {

class LateListeners {
public:
    static constexpr Duration pause_min = 1s;  // the pause before the next attempt; it doubles after each attempt
    static constexpr Duration pause_max = 30s;
    static_assert(pause_min <= pause_max);

    LateListeners(transport::Driver& driver, const Log& log) : driver_(driver), log_(log) {}

    /// Adds an endpoint after its first attempt has failed with `problem`. `front` must outlive this object or clear().
    void add(const transport::Endpoint& endpoint, transport::Front& front, const transport::AcceptRate& rate,
             Error problem);
    /// Tries the endpoints whose pause is over. Returns the listeners that could be opened; they accept already.
    std::vector<std::unique_ptr<transport::Listener>> try_due(Instant now);
    /// The next instant at which try_due() must be called; `never` when no endpoint waits.
    Instant next_deadline() const;
    void clear() { waiting_.clear(); }

private:
    struct Waiting {
        transport::Endpoint endpoint;
        transport::Front* front;
        transport::AcceptRate rate;
        Error reason;    // the reason that was logged last
        Duration pause;  // the pause after the next failure
        Instant since;   // the first attempt
        Instant next;    // the next attempt
    };

    std::unique_ptr<transport::Listener> try_again(Waiting& waiting, Instant now);
    void put_off(Waiting& waiting, Error reason, Instant now);

    transport::Driver& driver_;
    const Log& log_;
    std::vector<Waiting> waiting_;
};

}  // namespace ledge::runtime
