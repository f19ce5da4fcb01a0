// What a bridge tells about its queue at the local broker, and when it warns. Plain values.
#pragma once

#include "ledge/base/time.hpp"
#include "ledge/bridge/flow_meter.hpp"
#include "ledge/bridge/queue_age.hpp"
#include "ledge/broker/session_facts.hpp"

namespace ledge::uplink {

/// The limits of the queue, which hold by the options of the inner listener, and the threshold of the warning.
struct QueueWatch {
    bridge::FlowCapacity capacity;
    /// A warning is logged when the queue will be full sooner, if the rates stay. 0 = never.
    Duration warn_time_to_full{};
};

void add_losses(broker::QueueLosses& sum, const broker::QueueLosses& other);

struct QueueFigures {
    /// Adds the queue of a priority lane. Of the times, the more urgent one counts: the sooner full, the later empty,
    /// the older message.
    void add(const QueueFigures& other);

    bridge::FlowCapacity capacity;
    bridge::FlowReading now;
    bridge::FlowFigures flow;
    bridge::QueueAge::Age age;  // of the oldest message
    broker::QueueLosses losses;
    bool is_filling = false;  // a warning was logged that the queue will soon be full
};

}  // namespace ledge::uplink
