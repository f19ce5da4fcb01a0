// The rows of the metric table that the core cannot have, because it knows neither TLS nor bridges nor the server of
// firmware images, and the order of all rows. Listeners and the process have files of their own.
#pragma once

#include "ledge/broker/metric_table.hpp"
#include "ledge/link/line_metrics.hpp"
#include "ledge/link/link_metrics.hpp"
#include "ledge/ota/figures.hpp"
#include "ledge/transport/tls_counters.hpp"
#include "ledge/uplink/bridges.hpp"
#include "ledge/uplink/flow_metrics.hpp"
#include "listener_metric_rows.hpp"
#include "process_metric_rows.hpp"

namespace ledge::admin {

using TlsMetric = broker::MetricRow<transport::TlsCounters>;

/// The function that reads one counter. A row names its counter by a pointer to member and needs no function of its
/// own.
template <auto Member>
broker::Reading counted(const transport::TlsCounters& counters) {
    return {.number = counters.*Member};
}

// clang-format off
// The rows of one family follow each other, and only the first one has the help text of the family.
inline constexpr TlsMetric tls_metrics[] = {
    {.group = broker::MetricGroup::tls, .name = "tls_handshakes_total", .label = "result", .label_value = "full",
     .read = counted<&transport::TlsCounters::full>,
     .help = "The broker counts each TLS handshake that a peer began or wanted to begin. 0 means that no handshake had "
             "this result since the start.",
     .sample = "The handshake succeeded with a new session."},
    {.group = broker::MetricGroup::tls, .name = "tls_handshakes_total", .label = "result", .label_value = "resumed",
     .read = counted<&transport::TlsCounters::resumed>,
     .sample = "The handshake succeeded and resumed an earlier session, which costs little computing time."},
    {.group = broker::MetricGroup::tls, .name = "tls_handshakes_total", .label = "result", .label_value = "failed",
     .read = counted<&transport::TlsCounters::failed>,
     .sample = "The handshake failed or took too long; the log line tls_refused has the reason."},
    {.group = broker::MetricGroup::tls, .name = "tls_handshakes_total", .label = "result", .label_value = "refused",
     .read = counted<&transport::TlsCounters::refused>,
     .sample = "The broker closed the connection before the handshake, because too many handshakes were waiting "
               "(tls.handshakes_queued_max)."},
};
// clang-format on

using BridgeMetric = broker::MetricRow<uplink::BridgeFigures>;

/// The function that reads one counter of a bridge's messages.
template <auto Member>
broker::Reading bridged(const uplink::BridgeFigures& figures) {
    return {.number = figures.messages.*Member};
}

// clang-format off
// Each bridge has a sample of each row; its name is the value of the label.
inline constexpr BridgeMetric bridge_metrics[] = {
    {.group = broker::MetricGroup::bridges, .name = "bridge_up", .type = broker::MetricType::gauge, .label = "bridge",
     .topic = "bridges/NAME/state",
     .read = [](const uplink::BridgeFigures& bridge) -> broker::Reading {
         return {.number = bridge.stage == uplink::BridgeStage::running ? 1U : 0U};
     },
     .help = "1 while messages flow between this broker and the upstream of the bridge, 0 while they wait."},
    {.group = broker::MetricGroup::bridges, .name = "bridge_connections_total", .label = "bridge",
     .read = [](const uplink::BridgeFigures& bridge) -> broker::Reading { return {.number = bridge.connections}; },
     .help = "Connections of the bridge on which messages could flow."},
    {.group = broker::MetricGroup::bridges, .name = "bridge_refused_filters", .type = broker::MetricType::gauge,
     .label = "bridge", .topic = "bridges/NAME/filters/refused",
     .read = [](const uplink::BridgeFigures& bridge) -> broker::Reading { return {.number = bridge.refused_filters}; },
     .help = "Filters that the upstream or this broker has refused at the last connect: their messages do not pass."},
    {.group = broker::MetricGroup::bridges, .name = "bridge_queue_messages", .type = broker::MetricType::gauge,
     .label = "bridge", .topic = "bridges/NAME/queue/messages",
     .read = [](const uplink::BridgeFigures& bridge) -> broker::Reading { return {.number = bridge.queue_messages}; },
     .help = "Messages that wait for the upstream, those included that it has not acknowledged yet."},
    {.group = broker::MetricGroup::bridges, .name = "bridge_oldest_unanswered_seconds",
     .type = broker::MetricType::gauge, .unit = "seconds", .label = "bridge",
     .read = [](const uplink::BridgeFigures& bridge) -> broker::Reading {
         const auto age = std::chrono::duration_cast<std::chrono::seconds>(bridge.oldest_unanswered).count();
         return {.number = static_cast<std::uint64_t>(age)};
     },
     .help = "Time since the oldest message under way was sent to the upstream; 0 = none is under way."},
    {.group = broker::MetricGroup::bridges, .name = "bridge_messages_sent_total", .label = "bridge",
     .read = bridged<&bridge::RelayCounters::out>,
     .help = "Messages that the bridge has sent to the upstream, repetitions included."},
    {.group = broker::MetricGroup::bridges, .name = "bridge_messages_received_total", .label = "bridge",
     .read = bridged<&bridge::RelayCounters::in>,
     .help = "Messages that the bridge has received from the upstream and passed on, repetitions included."},
    {.group = broker::MetricGroup::bridges, .name = "bridge_messages_sent_acknowledged_total", .label = "bridge",
     .read = bridged<&bridge::RelayCounters::out_done>,
     .help = "Messages of QoS 1 and 2 that have left the queue: the upstream has them, or they were set aside."},
    {.group = broker::MetricGroup::bridges, .name = "bridge_messages_received_acknowledged_total", .label = "bridge",
     .read = bridged<&bridge::RelayCounters::in_done>,
     .help = "Messages of QoS 1 and 2 that are safe here, and that the bridge has acknowledged to the upstream."},
    {.group = broker::MetricGroup::bridges, .name = "bridge_messages_without_route_total", .label = "bridge",
     .read = bridged<&bridge::RelayCounters::no_route>,
     .help = "Messages that came to the bridge although no route carries them; they went no further."},
    {.group = broker::MetricGroup::bridges, .name = "bridge_loops_total", .label = "bridge",
     .read = bridged<&bridge::RelayCounters::loops>,
     .help = "Messages that were stopped because they had come from where they were going."},
    {.group = broker::MetricGroup::bridges, .name = "bridge_echoes_total", .label = "bridge",
     .read = bridged<&bridge::RelayCounters::echoes>,
     .help = "Messages that the upstream has sent back to the bridge, and that went no further."},
    {.group = broker::MetricGroup::bridges, .name = "bridge_messages_set_aside_total", .label = "bridge",
     .read = bridged<&bridge::RelayCounters::set_aside>,
     .help = "Messages that the upstream does not take, and that were published as dead letters."},
    {.group = broker::MetricGroup::bridges, .name = "bridge_messages_dropped_total", .label = "bridge",
     .read = bridged<&bridge::RelayCounters::dropped>,
     .help = "Messages that could not be passed on and are lost; the log line bridge_message_problem names the topic."},
    {.group = broker::MetricGroup::bridges, .name = "bridge_messages_refused_total", .label = "bridge",
     .read = bridged<&bridge::RelayCounters::refused>,
     .help = "Messages that the other side has answered by an error code; they are lost."},
};
// clang-format on

using OtaMetric = broker::MetricRow<ota::OtaFigures>;

template <auto Member>
broker::Reading imaged(const ota::OtaFigures& figures) {
    return {.number = figures.*Member};
}

// clang-format off
inline constexpr OtaMetric ota_metrics[] = {
    {.group = broker::MetricGroup::ota, .name = "ota_images", .type = broker::MetricType::gauge, .topic = "ota/images",
     .read = imaged<&ota::OtaFigures::images>,
     .help = "Firmware images that devices can fetch: files of ota.directory whose SHA-256 is known."},
    {.group = broker::MetricGroup::ota, .name = "ota_blocks_total", .topic = "ota/blocks",
     .read = imaged<&ota::OtaFigures::blocks>,
     .help = "Answers with a block of an image, repetitions included."},
    {.group = broker::MetricGroup::ota, .name = "ota_bytes_total", .unit = "bytes", .topic = "ota/bytes",
     .read = imaged<&ota::OtaFigures::bytes>,
     .help = "Bytes of images in these answers."},
    {.group = broker::MetricGroup::ota, .name = "ota_requests_refused_total", .topic = "ota/refused",
     .read = imaged<&ota::OtaFigures::refused>,
     .help = "Requests that were answered by an error, because the image is unknown, the offset is beyond its end or "
             "the request is malformed, or that found no place."},
    {.group = broker::MetricGroup::ota, .name = "ota_requests_waiting", .type = broker::MetricType::gauge,
     .read = imaged<&ota::OtaFigures::waiting>,
     .help = "Requests that wait for ota.bytes_per_second_max or ota.device_bytes_per_second_max, one for each device; "
             "after a start also for the hashes of the files."},
};
// clang-format on

/// Calls `visit` for each row: those of the core in their order, those of TLS and of listeners where their groups stand
/// among them, those of bridges, of listeners for devices, of the server of firmware images, and of the process.
template <class Visit>
void for_each_metric(Visit&& visit) {
    // Prometheus requires that all samples of a family are one group, so no row of another family may stand between
    // them.
    const std::size_t count = broker::metric_count();
    std::size_t i = 0;
    while (i < count && broker::metric(i).group < broker::MetricGroup::tls) visit(broker::metric(i++));
    for (const TlsMetric& row : tls_metrics) visit(row);
    for (const ListenerMetric& row : listener_metrics) visit(row);
    while (i < count) visit(broker::metric(i++));
    for (const BridgeMetric& row : bridge_metrics) visit(row);
    for (const uplink::FlowMetric& row : uplink::flow_metrics) visit(row);
    for (const link::LinkMetric& row : link::link_metrics) visit(row);
    for (const link::LineMetric& row : link::line_metrics) visit(row);
    for (const OtaMetric& row : ota_metrics) visit(row);
    for (const ProcessMetric& row : process_metrics) visit(row);
}

}  // namespace ledge::admin
