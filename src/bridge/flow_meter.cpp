#include "ledge/bridge/flow_meter.hpp"

#include <algorithm>

#include "ledge/base/assert.hpp"
#include "ledge/base/decay.hpp"

namespace ledge::bridge {

namespace {

double to_seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

/// What has left the queue by the upstream's acknowledgement: all that has come and is neither there nor removed. Not
/// below 0: messages of QoS 2 are counted in bytes until PUBREC, and in messages until PUBCOMP.
double served(std::uint64_t arrived, std::uint64_t removed, std::uint64_t level_before, std::uint64_t level_now) {
    const double left = static_cast<double>(arrived) - static_cast<double>(removed) +
                        static_cast<double>(level_before) - static_cast<double>(level_now);
    return std::max(left, 0.0);
}

std::optional<Duration> told(double seconds) {
    if (seconds > to_seconds(FlowMeter::told_max)) return std::nullopt;
    return Duration(static_cast<Duration::rep>(seconds * Duration::period::den));
}

/// Seconds until `level` has grown to `capacity`; nullopt = never.
std::optional<double> seconds_to_full(std::uint64_t capacity, std::uint64_t level, double growth_per_s) {
    if (capacity == 0 || growth_per_s <= 0) return std::nullopt;
    return static_cast<double>(capacity - std::min(capacity, level)) / growth_per_s;
}

}  // namespace

void RateMean::add(double count, Duration passed) {
    LEDGE_ASSERT(passed > Duration::zero() && count >= 0);
    const double kept = decay(to_seconds(passed) / to_seconds(time_constant));
    sum_ = sum_ * kept + count / to_seconds(passed) * (1 - kept);
    weight_ = weight_ * kept + (1 - kept);
}

void FlowMeter::begin(const FlowReading& reading, Instant now) {
    has_begun_ = true;
    last_ = reading;
    last_at_ = began_ = service_began_ = now;
    is_full_ = false;
    for (RateMean* const mean : {&arrived_messages_, &arrived_bytes_, &served_messages_, &served_bytes_}) mean->clear();
}

void FlowMeter::note(const FlowReading& reading, Instant now) {
    const bool is_new_count = reading.arrived_messages < last_.arrived_messages ||
                              reading.arrived_bytes < last_.arrived_bytes ||
                              reading.removed_messages < last_.removed_messages;
    if (!has_begun_ || is_new_count) return begin(reading, now);
    const Duration passed = now - last_at_;
    if (passed <= Duration::zero()) return;  // the next reading has the messages of this one, too
    const std::uint64_t messages = reading.arrived_messages - last_.arrived_messages;
    const std::uint64_t bytes = reading.arrived_bytes - last_.arrived_bytes;
    arrived_messages_.add(static_cast<double>(messages), passed);
    arrived_bytes_.add(static_cast<double>(bytes), passed);
    if (reading.is_connected && last_.is_connected) {
        served_messages_.add(
            served(messages, reading.removed_messages - last_.removed_messages, last_.messages, reading.messages),
            passed);
        served_bytes_.add(served(bytes, reading.removed_bytes - last_.removed_bytes, last_.bytes, reading.bytes),
                          passed);
    } else {
        // An average over the time without a connection would say nothing about the connection.
        served_messages_.clear();
        served_bytes_.clear();
        service_began_ = now;
    }
    // A full queue may refuse all arrivals, so the rates would not tell that it is full.
    const bool has_overflown = reading.overflows > last_.overflows;
    const bool has_shrunk = reading.waiting_messages < last_.waiting_messages;
    is_full_ = has_overflown || (is_full_ && !has_shrunk) ||
               (capacity_.messages > 0 && reading.waiting_messages >= capacity_.messages);
    last_ = reading;
    last_at_ = now;
}

FlowFigures FlowMeter::figures() const {
    FlowFigures figures;
    figures.arrival_messages_per_s = arrived_messages_.per_s();
    figures.arrival_bytes_per_s = arrived_bytes_.per_s();
    figures.service_messages_per_s = served_messages_.per_s();
    figures.service_bytes_per_s = served_bytes_.per_s();
    // Without a connection the service rate is 0 for certain, and needs no observation.
    const bool is_service_known = !last_.is_connected || last_at_ - service_began_ >= observed_min;
    figures.is_judged = has_begun_ && last_at_ - began_ >= observed_min && is_service_known;
    if (!figures.is_judged) return figures;
    figures.time_to_full = time_to_full();
    if (!figures.time_to_full) figures.time_to_empty = time_to_empty();
    return figures;
}

std::optional<Duration> FlowMeter::time_to_full() const {
    if (is_full_) return Duration::zero();
    // Messages under way come and go. While none waits behind them, the queue does not grow.
    if (last_.waiting_messages == 0) return std::nullopt;
    const auto by_messages = seconds_to_full(capacity_.messages, last_.waiting_messages,
                                             arrived_messages_.per_s() - served_messages_.per_s());
    const auto by_bytes =
        seconds_to_full(capacity_.bytes, last_.waiting_bytes, arrived_bytes_.per_s() - served_bytes_.per_s());
    if (!by_messages && !by_bytes) return std::nullopt;
    if (!by_messages || !by_bytes) return told(by_messages ? *by_messages : *by_bytes);
    return told(std::min(*by_messages, *by_bytes));
}

std::optional<Duration> FlowMeter::time_to_empty() const {
    const double shrinking_per_s = served_messages_.per_s() - arrived_messages_.per_s();
    if (last_.messages == 0 || shrinking_per_s <= 0) return std::nullopt;
    return told(static_cast<double>(last_.messages) / shrinking_per_s);
}

}  // namespace ledge::bridge
