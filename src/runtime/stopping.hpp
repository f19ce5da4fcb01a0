// Stopping: how far the stop of a BrokerLoop has come.
//
//     serving ──begin()──► stopping ──finish()──► stopped
// A stop that is begun a second time is over at once: nothing is waited for any more.
#pragma once

#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/base/time.hpp"

namespace ledge::runtime {

class Stopping {
public:
    /// `time_max`: from begin() until the remaining connections are closed by force.
    explicit Stopping(Duration time_max) : time_max_(time_max) {}

    /// Returns true for the first call, after which the caller does what a stop begins with. A further call, such as
    /// that of a second signal, only ends the wait.
    bool begin(Instant now) {
        deadline_ = is_begun_ ? now : now + time_max_;
        return !std::exchange(is_begun_, true);
    }
    void finish() {
        LEDGE_ASSERT(is_begun_);
        is_finished_ = true;
    }
    bool is_begun() const { return is_begun_; }
    bool is_finished() const { return is_finished_; }
    /// The remaining connections are closed at this instant; `never` before begin().
    Instant deadline() const { return deadline_; }

private:
    Duration time_max_;
    Instant deadline_ = never;
    bool is_begun_ = false;
    bool is_finished_ = false;
};

}  // namespace ledge::runtime
