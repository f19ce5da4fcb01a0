// BridgeMeter: reads the queue of one bridge from time to time, and tells rates, age and the time to full. Owned by a
// bridge of Bridges, on the loop's thread.
#pragma once

#include <string>

#include "ledge/base/log.hpp"
#include "ledge/base/time.hpp"
#include "ledge/bridge/flow_meter.hpp"
#include "ledge/bridge/queue_age.hpp"
#include "ledge/uplink/queue_figures.hpp"

namespace ledge::broker {
class Shard;
}

namespace ledge::uplink {

class BridgeMeter {
public:
    static constexpr Duration reading_pause = 1s;  // between two readings

    /// `client_id`: of the session at the local broker. `log` and `shard` must outlive the meter.
    BridgeMeter(std::string name, std::string client_id, const QueueWatch& watch, const broker::Shard& shard,
                const Log& log);

    /// Reads the queue, unless it has done so within the last second on the same connection. Costs no wake-up: the
    /// bridge calls it when the loop is awake anyway. `is_connected` = messages can flow to the upstream.
    void note(bool is_connected, Instant now);
    /// What the queue tells now.
    QueueFigures figures(bool is_connected, Instant now) const;
    /// QueueFigures::is_filling.
    bool is_filling() const { return is_filling_; }

private:
    broker::QueueFacts read() const;
    void judge();

    std::string name_;
    std::string client_id_;
    QueueWatch watch_;
    const broker::Shard& shard_;
    const Log& log_;
    bridge::FlowMeter flow_;
    bridge::QueueAge age_;
    Instant read_at_{};
    Instant next_reading_{};
    bool was_connected_ = false;
    bool is_filling_ = false;  // bridge_queue_filling was logged, and the time has not recovered
};

}  // namespace ledge::uplink
