// The rows of the metric table about the flow through a bridge: the connection, the queue, rates, round trips, and
// messages that went no further, by reason. Bridges publishes the rows with a topic below $SYS/broker/bridges/NAME/,
// the module admin shows those with a name to Prometheus. Its own table has further rows about bridges.
#pragma once

#include <chrono>
#include <optional>

#include "ledge/broker/metric_table.hpp"
#include "ledge/uplink/bridges.hpp"

namespace ledge::uplink {

using FlowMetric = broker::MetricRow<BridgeFigures>;

/// What the topics of the rows begin with; NAME stands for the name of the bridge.
inline constexpr std::string_view flow_topics_begin = "bridges/NAME/";

namespace flow {

inline broker::Reading whole_seconds(const std::optional<Duration>& duration) {
    if (!duration) return {.is_defined = false};
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(*duration).count();
    return {.number = static_cast<std::uint64_t>(seconds)};
}

inline broker::Reading exact_seconds(const std::optional<Duration>& duration) {
    static_assert(Duration::period::den == 1'000'000);
    if (!duration) return {.is_defined = false};
    return {.number = static_cast<std::uint64_t>(duration->count()), .decimals = 6};
}

inline broker::Reading rate(double per_s) {
    return {.number = static_cast<std::uint64_t>(per_s * 1000 + 0.5), .decimals = 3};
}

template <auto Member>
broker::Reading lost(const BridgeFigures& bridge) {
    return {.number = bridge.queue.losses.*Member};
}

template <auto Member>
broker::Reading counted(const BridgeFigures& bridge) {
    return {.number = bridge.messages.*Member};
}

/// Refused by the upstream with this code.
template <wire::ReasonCode Code>
broker::Reading refused(const BridgeFigures& bridge) {
    return {.number = bridge.messages.refused_by_code[bridge::refusal_index(Code)]};
}

}  // namespace flow

// clang-format off
// The rows of one family follow each other, and only the first one has the help text of the family.
inline constexpr FlowMetric flow_metrics[] = {
    {.group = broker::MetricGroup::bridges, .name = "bridge_connected_seconds", .type = broker::MetricType::gauge,
     .unit = "seconds", .label = "bridge", .topic = "bridges/NAME/connected_s",
     .read = [](const BridgeFigures& bridge) -> broker::Reading { return flow::whole_seconds(bridge.connected); },
     .help = "Time for which messages have flowed on the present connection; missing while there is no connection."},
    {.group = broker::MetricGroup::bridges, .type = broker::MetricType::counter, .topic = "bridges/NAME/connections",
     .read = [](const BridgeFigures& bridge) -> broker::Reading { return {.number = bridge.connections}; },
     .help = "Connections of the bridge on which messages could flow, since the start of the broker."},
    {.group = broker::MetricGroup::bridges, .name = "bridge_queue_bytes", .type = broker::MetricType::gauge,
     .unit = "bytes", .label = "bridge", .topic = "bridges/NAME/queue/bytes",
     .read = [](const BridgeFigures& bridge) -> broker::Reading { return {.number = bridge.queue.now.bytes}; },
     .help = "Topics, properties and payloads of the messages in the queue, those under way included."},
    {.group = broker::MetricGroup::bridges, .name = "bridge_queue_messages_max", .type = broker::MetricType::gauge,
     .label = "bridge", .topic = "bridges/NAME/queue/messages_max",
     .read = [](const BridgeFigures& bridge) -> broker::Reading { return {.number = bridge.queue.capacity.messages}; },
     .help = "Messages that may wait for the upstream (queue.messages_max)."},
    {.group = broker::MetricGroup::bridges, .name = "bridge_queue_bytes_max", .type = broker::MetricType::gauge,
     .unit = "bytes", .label = "bridge", .topic = "bridges/NAME/queue/bytes_max",
     .read = [](const BridgeFigures& bridge) -> broker::Reading { return {.number = bridge.queue.capacity.bytes}; },
     .help = "Bytes of messages that may wait for the upstream (queue.bytes_max)."},
    {.group = broker::MetricGroup::bridges, .name = "bridge_queue_age_seconds", .type = broker::MetricType::gauge,
     .unit = "seconds", .label = "bridge", .topic = "bridges/NAME/queue/age_s",
     .read = [](const BridgeFigures& bridge) -> broker::Reading { return flow::whole_seconds(bridge.queue.age.age); },
     .help = "Age of the oldest message that waits or is unacknowledged, by the order of arrival; 0 = none. A message "
             "from before the start of the broker counts from the start."},
    {.group = broker::MetricGroup::bridges, .name = "bridge_queue_time_to_full_seconds",
     .type = broker::MetricType::gauge, .unit = "seconds", .label = "bridge",
     .topic = "bridges/NAME/queue/time_to_full_s",
     .read = [](const BridgeFigures& bridge) -> broker::Reading {
         return flow::whole_seconds(bridge.queue.flow.time_to_full);
     },
     .help = "Time until the queue is full if the rates stay; missing while the queue does not grow, and in the first "
             "10 seconds after the start or a connect."},
    {.group = broker::MetricGroup::bridges, .name = "bridge_queue_time_to_empty_seconds",
     .type = broker::MetricType::gauge, .unit = "seconds", .label = "bridge",
     .topic = "bridges/NAME/queue/time_to_empty_s",
     .read = [](const BridgeFigures& bridge) -> broker::Reading {
         return flow::whole_seconds(bridge.queue.flow.time_to_empty);
     },
     .help = "Time until the queue is empty if the rates stay; missing while the queue is empty or does not shrink."},
    {.group = broker::MetricGroup::bridges, .name = "bridge_arrival_messages_per_second",
     .type = broker::MetricType::gauge, .label = "bridge", .topic = "bridges/NAME/arrival/messages_per_s",
     .read = [](const BridgeFigures& bridge) -> broker::Reading {
         return flow::rate(bridge.queue.flow.arrival_messages_per_s);
     },
     .help = "Messages of QoS 1 and 2 that enter the queue, per second; a mean of about the last minute."},
    {.group = broker::MetricGroup::bridges, .name = "bridge_arrival_bytes_per_second",
     .type = broker::MetricType::gauge, .unit = "bytes", .label = "bridge", .topic = "bridges/NAME/arrival/bytes_per_s",
     .read = [](const BridgeFigures& bridge) -> broker::Reading {
         return flow::rate(bridge.queue.flow.arrival_bytes_per_s);
     },
     .help = "Topics, properties and payloads of these messages, in bytes per second."},
    {.group = broker::MetricGroup::bridges, .name = "bridge_service_messages_per_second",
     .type = broker::MetricType::gauge, .label = "bridge", .topic = "bridges/NAME/service/messages_per_s",
     .read = [](const BridgeFigures& bridge) -> broker::Reading {
         return flow::rate(bridge.queue.flow.service_messages_per_s);
     },
     .help = "Messages that leave the queue because the upstream has acknowledged them, per second; a mean of about "
             "the last minute of the present connection, 0 without a connection."},
    {.group = broker::MetricGroup::bridges, .name = "bridge_service_bytes_per_second",
     .type = broker::MetricType::gauge, .unit = "bytes", .label = "bridge", .topic = "bridges/NAME/service/bytes_per_s",
     .read = [](const BridgeFigures& bridge) -> broker::Reading {
         return flow::rate(bridge.queue.flow.service_bytes_per_s);
     },
     .help = "Topics, properties and payloads of these messages, in bytes per second."},
    {.group = broker::MetricGroup::bridges, .name = "bridge_round_trip_mean_seconds",
     .type = broker::MetricType::gauge, .unit = "seconds", .label = "bridge",
     .topic = "bridges/NAME/round_trip/mean_s",
     .read = [](const BridgeFigures& bridge) -> broker::Reading { return flow::exact_seconds(bridge.round_trip_mean); },
     .help = "Time from PUBLISH to PUBACK or PUBREC, and of an idle bridge from PINGREQ to PINGRESP: a smoothed mean. "
             "Missing until the first answer."},
    {.group = broker::MetricGroup::bridges, .name = "bridge_round_trip_max_seconds",
     .type = broker::MetricType::gauge, .unit = "seconds", .label = "bridge", .topic = "bridges/NAME/round_trip/max_s",
     .read = [](const BridgeFigures& bridge) -> broker::Reading { return flow::exact_seconds(bridge.round_trip_max); },
     .help = "The longest of these times in the last one to two minutes; missing if none was measured."},
    {.group = broker::MetricGroup::bridges, .name = "bridge_dropped_messages_total", .label = "bridge",
     .other_label = "reason", .other_label_value = "queue_full", .topic = "bridges/NAME/dropped/queue_full",
     .read = flow::lost<&broker::QueueLosses::queue_full>,
     .help = "Messages that the bridge has not carried to their target, by reason. A topic exists after the first one.",
     .sample = "The queue was full, and queue.overflow dropped this message or the oldest one."},
    {.group = broker::MetricGroup::bridges, .name = "bridge_dropped_messages_total", .label = "bridge",
     .other_label = "reason", .other_label_value = "queue_refused", .topic = "bridges/NAME/dropped/queue_refused",
     .read = flow::lost<&broker::QueueLosses::refused>,
     .sample = "The queue was full, and the publisher was told so (queue.overflow = \"refuse\")."},
    {.group = broker::MetricGroup::bridges, .name = "bridge_dropped_messages_total", .label = "bridge",
     .other_label = "reason", .other_label_value = "memory_short", .topic = "bridges/NAME/dropped/memory_short",
     .read = flow::lost<&broker::QueueLosses::memory>,
     .sample = "The memory budget was used up, and the store did not have the message."},
    {.group = broker::MetricGroup::bridges, .name = "bridge_dropped_messages_total", .label = "bridge",
     .other_label = "reason", .other_label_value = "expired", .topic = "bridges/NAME/dropped/expired",
     .read = flow::lost<&broker::QueueLosses::expired>,
     .sample = "The Message Expiry Interval ended while the message waited."},
    {.group = broker::MetricGroup::bridges, .name = "bridge_dropped_messages_total", .label = "bridge",
     .other_label = "reason", .other_label_value = "replaced", .topic = "bridges/NAME/dropped/replaced",
     .read = flow::lost<&broker::QueueLosses::replaced>,
     .sample = "A newer message of the topic came before this one was sent (queue.last_value)."},
    {.group = broker::MetricGroup::bridges, .name = "bridge_dropped_messages_total", .label = "bridge",
     .other_label = "reason", .other_label_value = "unreadable", .topic = "bridges/NAME/dropped/unreadable",
     .read = flow::lost<&broker::QueueLosses::unreadable>,
     .sample = "The store has lost the message; the log line stored_message_unreadable names the row."},
    {.group = broker::MetricGroup::bridges, .name = "bridge_dropped_messages_total", .label = "bridge",
     .other_label = "reason", .other_label_value = "cleared", .topic = "bridges/NAME/dropped/cleared",
     .read = flow::lost<&broker::QueueLosses::cleared>,
     .sample = "An operator cleared the queue of the bridge."},
    {.group = broker::MetricGroup::bridges, .name = "bridge_dropped_messages_total", .label = "bridge",
     .other_label = "reason", .other_label_value = "slow_upstream", .topic = "bridges/NAME/dropped/slow_upstream",
     .read = [](const BridgeFigures& bridge) -> broker::Reading {
         return {.number = bridge.queue.losses.slow_reader + bridge.messages.dropped_slow};
     },
     .sample = "The message had QoS 0, and the upstream did not read fast enough."},
    {.group = broker::MetricGroup::bridges, .name = "bridge_dropped_messages_total", .label = "bridge",
     .other_label = "reason", .other_label_value = "no_route", .topic = "bridges/NAME/dropped/no_route",
     .read = flow::counted<&bridge::RelayCounters::no_route>,
     .sample = "No route carries the topic."},
    {.group = broker::MetricGroup::bridges, .name = "bridge_dropped_messages_total", .label = "bridge",
     .other_label = "reason", .other_label_value = "loop", .topic = "bridges/NAME/dropped/loop",
     .read = flow::counted<&bridge::RelayCounters::loops>,
     .sample = "The message has passed here before, or has passed too many bridges."},
    {.group = broker::MetricGroup::bridges, .name = "bridge_dropped_messages_total", .label = "bridge",
     .other_label = "reason", .other_label_value = "echo", .topic = "bridges/NAME/dropped/echo",
     .read = flow::counted<&bridge::RelayCounters::echoes>,
     .sample = "The upstream has sent the message back to the bridge."},
    {.group = broker::MetricGroup::bridges, .name = "bridge_dropped_messages_total", .label = "bridge",
     .other_label = "reason", .other_label_value = "dead_letter", .topic = "bridges/NAME/dropped/dead_letter",
     .read = flow::counted<&bridge::RelayCounters::set_aside>,
     .sample = "The upstream would not take the message, which was published below queue.dead_letter_topic."},
    {.group = broker::MetricGroup::bridges, .name = "bridge_dropped_messages_total", .label = "bridge",
     .other_label = "reason", .other_label_value = "unsendable", .topic = "bridges/NAME/dropped/unsendable",
     .read = flow::counted<&bridge::RelayCounters::dropped_unsendable>,
     .sample = "The upstream would not take the message, and there is no dead letter of it."},
    {.group = broker::MetricGroup::bridges, .name = "bridge_dropped_messages_total", .label = "bridge",
     .other_label = "reason", .other_label_value = "incoming", .topic = "bridges/NAME/dropped/incoming",
     .read = flow::counted<&bridge::RelayCounters::dropped_incoming>,
     .sample = "The message of the upstream is too large, has an impossible topic, or found no room here."},
    {.group = broker::MetricGroup::bridges, .name = "bridge_dropped_messages_total", .label = "bridge",
     .other_label = "reason", .other_label_value = "refused_here", .topic = "bridges/NAME/dropped/refused_here",
     .read = flow::counted<&bridge::RelayCounters::refused_here>,
     .sample = "This broker has answered the message of the upstream by an error code."},
    {.group = broker::MetricGroup::bridges, .name = "bridge_dropped_messages_total", .label = "bridge",
     .other_label = "reason", .other_label_value = "upstream_unspecified_error",
     .topic = "bridges/NAME/dropped/upstream_unspecified_error",
     .read = flow::refused<wire::ReasonCode::unspecified_error>,
     .sample = "The upstream has answered 0x80."},
    {.group = broker::MetricGroup::bridges, .name = "bridge_dropped_messages_total", .label = "bridge",
     .other_label = "reason", .other_label_value = "upstream_implementation_specific_error",
     .topic = "bridges/NAME/dropped/upstream_implementation_specific_error",
     .read = flow::refused<wire::ReasonCode::implementation_specific_error>,
     .sample = "The upstream has answered 0x83."},
    {.group = broker::MetricGroup::bridges, .name = "bridge_dropped_messages_total", .label = "bridge",
     .other_label = "reason", .other_label_value = "upstream_not_authorized",
     .topic = "bridges/NAME/dropped/upstream_not_authorized",
     .read = flow::refused<wire::ReasonCode::not_authorized>,
     .sample = "The upstream has answered 0x87: the user of the bridge may not publish on the topic."},
    {.group = broker::MetricGroup::bridges, .name = "bridge_dropped_messages_total", .label = "bridge",
     .other_label = "reason", .other_label_value = "upstream_topic_name_invalid",
     .topic = "bridges/NAME/dropped/upstream_topic_name_invalid",
     .read = flow::refused<wire::ReasonCode::topic_name_invalid>,
     .sample = "The upstream has answered 0x90."},
    {.group = broker::MetricGroup::bridges, .name = "bridge_dropped_messages_total", .label = "bridge",
     .other_label = "reason", .other_label_value = "upstream_payload_format_invalid",
     .topic = "bridges/NAME/dropped/upstream_payload_format_invalid",
     .read = flow::refused<wire::ReasonCode::payload_format_invalid>,
     .sample = "The upstream has answered 0x99."},
};
// clang-format on

}  // namespace ledge::uplink
