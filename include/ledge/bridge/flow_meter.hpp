// FlowMeter: how fast messages enter and leave the queue of a bridge, and when the queue will be full or empty if this
// goes on. Readings of the queue and times go in, figures come out. Owned by whoever reads the queue.
//
//     arrival rate        messages that enter the queue, per second
//     service rate        messages that the upstream acknowledges, per second; 0 without a connection
//     time to full        (capacity - waiting) / (arrival - service), for messages or for bytes: the smaller one
//     time to empty       messages in the queue / (service - arrival)
//
// The rates are exponential moving averages with a time constant of one minute: what happened a minute ago has the
// weight 1/e. An average that has just begun is divided by the weight that it has so far, so a constant rate is right
// from the first reading on.
#pragma once

#include <cstdint>
#include <optional>

#include "ledge/base/time.hpp"

namespace ledge::bridge {

/// One average of events per second.
class RateMean {
public:
    static constexpr Duration time_constant = 60s;

    /// `count` events have happened in the last `passed`, which is not 0.
    void add(double count, Duration passed);
    void clear() { *this = {}; }
    double per_s() const { return weight_ > 0 ? sum_ / weight_ : 0; }

private:
    double sum_ = 0;
    double weight_ = 0;  // of all events so far; approaches 1
};

/// The queue at one moment. What grows only may begin anywhere; a smaller number than before begins a new count.
struct FlowReading {
    std::uint64_t arrived_messages = 0;  // have entered the queue; grows only
    std::uint64_t arrived_bytes = 0;
    std::uint64_t removed_messages = 0;  // of these, left without the upstream: overflow, expiry; grows only
    std::uint64_t removed_bytes = 0;
    std::uint64_t overflows = 0;  // messages that were dropped or refused because the queue was full; grows only
    std::uint64_t messages = 0;   // in the queue now, those under way included
    std::uint64_t bytes = 0;
    std::uint64_t waiting_messages = 0;  // the same without those under way; the capacity holds for these
    std::uint64_t waiting_bytes = 0;
    bool is_connected = false;  // messages can flow to the upstream
};

/// What the queue has room for; 0 = unlimited.
struct FlowCapacity {
    std::uint64_t messages = 0;
    std::uint64_t bytes = 0;
};

struct FlowFigures {
    double arrival_messages_per_s = 0;
    double arrival_bytes_per_s = 0;
    double service_messages_per_s = 0;
    double service_bytes_per_s = 0;
    bool is_judged = false;                 // the rates have been observed long enough for the times below
    std::optional<Duration> time_to_full;   // nullopt = the queue does not grow, or nothing waits
    std::optional<Duration> time_to_empty;  // nullopt = the queue does not shrink, or is empty
};

class FlowMeter {
public:
    static constexpr Duration observed_min = 10s;    // before the times are told: a short burst is no trend
    static constexpr Duration told_max = 24h * 365;  // a longer time is noise of the rates, and not told

    explicit FlowMeter(FlowCapacity capacity) : capacity_(capacity) {}

    void note(const FlowReading& reading, Instant now);
    /// As of the last note().
    FlowFigures figures() const;

private:
    void begin(const FlowReading& reading, Instant now);
    std::optional<Duration> time_to_full() const;
    std::optional<Duration> time_to_empty() const;

    FlowCapacity capacity_;
    FlowReading last_;
    bool has_begun_ = false;
    bool is_full_ = false;
    Instant last_at_{};
    Instant began_{};          // when the arrivals began to be observed
    Instant service_began_{};  // the same for the service, on the present connection
    RateMean arrived_messages_;
    RateMean arrived_bytes_;
    RateMean served_messages_;
    RateMean served_bytes_;
};

}  // namespace ledge::bridge
