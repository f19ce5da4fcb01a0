// LateListeners: endpoints whose addresses are not there yet, because a network comes up later than the broker. The
// others are served meanwhile; these are tried again, with growing pauses. On the loop's thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ledge/base/log.hpp"
#include "ledge/transport/listener.hpp"

namespace ledge::runtime {

class LateListeners {
public:
    static constexpr Duration pause_min = 1s;  // before the first attempt; doubled after each
    static constexpr Duration pause_max = 30s;

    LateListeners(transport::Driver& driver, const Log& log) : driver_(driver), log_(log) {}

    /// `problem`: of the first attempt. `front` outlives this.
    void add(const transport::Endpoint& endpoint, transport::Front& front, const transport::AcceptRate& rate,
             const transport::ListenProblem& problem);
    /// Those that have come up, accepting.
    std::vector<std::unique_ptr<transport::Listener>> try_due(Instant now);
    /// When try_due() must be called; `never` when nothing is late.
    Instant next_deadline() const;
    void clear() { waiting_.clear(); }

private:
    struct Waiting {
        transport::Endpoint endpoint;
        transport::Front* front;
        transport::AcceptRate rate;
        std::string reason;  // as the log knows it
        Duration pause;
        Instant since;
        Instant next;
    };

    std::unique_ptr<transport::Listener> try_again(Waiting& waiting, Instant now);
    void put_off(Waiting& waiting, const std::string& reason, Instant now);

    transport::Driver& driver_;
    const Log& log_;
    std::vector<Waiting> waiting_;
};

}  // namespace ledge::runtime
