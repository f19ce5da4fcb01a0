// Backoff: when to connect again after a connection has failed or ended. The pauses double up to a limit and have
// jitter, so that many gateways do not come back at the same moment. One owner, no locks.
#pragma once

#include <cstdint>

#include "ledge/base/rng.hpp"
#include "ledge/base/time.hpp"

namespace ledge::bridge {

/// What a failure says about the next attempt.
enum class RetryClass : std::uint8_t {
    at_once,  // the next attempt is made differently (an older protocol, a smaller QoS): a short pause is enough
    network,  // the pause doubles
    operator_needed,  // credentials or rights: nothing changes by itself, so the pause is minutes from the start
};

struct BackoffOptions {
    Duration first = 1s;                // the pause after the first failure
    Duration largest = 5min;            // the pause does not grow beyond it
    Duration operator_smallest = 2min;  // the smallest pause of RetryClass::operator_needed
};

class Backoff {
public:
    explicit Backoff(const BackoffOptions& options);

    /// Returns the pause before the next attempt: half to all of the present pause, by chance. Then the present pause
    /// doubles. RetryClass::at_once returns `first` at most and leaves the present pause, unless it comes more than
    /// `at_once_max` times in a row.
    Duration next(RetryClass kind, Rng& rng);
    /// The upstream has answered something that needs a working broker: PUBACK, SUBACK or PINGRESP. A CONNACK is not
    /// enough, and an open TCP connection is even less: RabbitMQ accepts TCP while it is deaf.
    void on_success();

    static constexpr int at_once_max = 4;

private:
    BackoffOptions options_;
    Duration present_;
    int at_once_in_a_row_ = 0;
};

}  // namespace ledge::bridge
