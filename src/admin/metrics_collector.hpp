// MetricsCollector: gathers the figures of the whole program for /metrics and the API. A part of Site; on the thread of
// the loop.
#pragma once

#include <chrono>
#include <optional>

#include "ledge/base/time.hpp"

namespace ledge::runtime {
class BrokerLoop;
}  // namespace ledge::runtime

namespace ledge::admin {

struct PartFigures;
struct Parts;

class MetricsCollector {
public:
    /// The figures of now; Shard::metrics() has the lengths of queues afterwards. `uptime` = time since the start.
    PartFigures collect(runtime::BrokerLoop& loop, const Parts& parts, Duration uptime);

    /// The time of the start, if the wall clock shows `wall` after `uptime`; empty when the clock was never set. A
    /// clock that is set anew by more than clock_slack moves the start; smaller corrections do not, because a changed
    /// start looks like a restart of the broker.
    std::optional<std::chrono::sys_seconds> started(std::chrono::sys_seconds wall, Duration uptime);
    static constexpr std::chrono::seconds clock_slack{5};

private:
    std::optional<std::chrono::sys_seconds> started_;
};

}  // namespace ledge::admin
