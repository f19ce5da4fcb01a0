#include "bridge_meter.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "ledge/broker/shard.hpp"

namespace ledge::uplink {

namespace {

bridge::FlowReading reading_of(const broker::QueueFacts& facts, bool is_connected) {
    bridge::FlowReading reading;
    reading.arrived_messages = facts.last_row.value();
    reading.arrived_bytes = facts.arrived_bytes;
    reading.removed_messages = facts.losses.removed_messages;
    reading.removed_bytes = facts.losses.removed_bytes;
    reading.overflows = facts.losses.queue_full + facts.losses.refused;
    reading.messages = facts.messages;
    reading.bytes = facts.bytes;
    reading.waiting_messages = facts.waiting_messages;
    reading.waiting_bytes = facts.waiting_bytes;
    reading.is_connected = is_connected;
    return reading;
}

}  // namespace

BridgeMeter::BridgeMeter(std::string name, std::string client_id, const QueueWatch& watch, const broker::Shard& shard,
                         const Log& log)
    : name_(std::move(name)),
      client_id_(std::move(client_id)),
      watch_(watch),
      shard_(shard),
      log_(log),
      flow_(watch.capacity) {}

/// Without a session nothing waits.
broker::QueueFacts BridgeMeter::read() const { return shard_.find_queue(client_id_).value_or(broker::QueueFacts()); }

void BridgeMeter::note(bool is_connected, Instant now) {
    // A connection that has just begun is read at once: a short backlog may have left before the next reading.
    if (now < next_reading_ && is_connected == was_connected_) return;
    was_connected_ = is_connected;
    read_at_ = now;
    next_reading_ = now + reading_pause;
    const broker::QueueFacts facts = read();
    flow_.note(reading_of(facts, is_connected), now);
    age_.note(facts.last_row.value(), facts.oldest_row.value(), now);
    judge();
}

/// The warning is logged once. It may be logged again only after the time has grown to one and a half times the
/// threshold, or the queue has stopped to grow: a time near the threshold would fill the log otherwise.
void BridgeMeter::judge() {
    if (watch_.warn_time_to_full == Duration::zero()) return;
    const bridge::FlowFigures flow = flow_.figures();
    if (!flow.is_judged) return;
    const bool is_short = flow.time_to_full && *flow.time_to_full < watch_.warn_time_to_full;
    const bool has_recovered = !flow.time_to_full || *flow.time_to_full >= watch_.warn_time_to_full * 3 / 2;
    if (is_filling_ ? !has_recovered : !is_short) return;
    is_filling_ = !is_filling_;
    const broker::QueueFacts facts = read();
    if (!is_filling_) return log_.info("bridge_queue_filling_ended", {{"bridge", name_}, {"messages", facts.messages}});
    log_.warning("bridge_queue_filling",
                 {{"bridge", name_},
                  {"time_to_full_s", std::chrono::duration_cast<std::chrono::seconds>(*flow.time_to_full).count()},
                  {"messages", facts.messages},
                  {"messages_max", watch_.capacity.messages},
                  {"bytes", facts.bytes},
                  {"bytes_max", watch_.capacity.bytes}});
}

/// The meters are copied and brought up to date, because a question must not change what is measured.
QueueFigures BridgeMeter::figures(bool is_connected, Instant now) const {
    now = std::max(now, read_at_);
    const broker::QueueFacts facts = read();
    QueueFigures figures;
    figures.capacity = watch_.capacity;
    figures.now = reading_of(facts, is_connected);
    bridge::FlowMeter flow = flow_;
    flow.note(figures.now, now);
    figures.flow = flow.figures();
    bridge::QueueAge age = age_;
    age.note(facts.last_row.value(), facts.oldest_row.value(), now);
    figures.age = age.age_of(facts.oldest_row.value(), now);
    figures.losses = facts.losses;
    figures.is_filling = is_filling_;
    return figures;
}

}  // namespace ledge::uplink
