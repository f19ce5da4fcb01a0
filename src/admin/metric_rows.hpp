// The rows of the metric table that the core cannot have, because it does not know TLS, and the order of all rows.
#pragma once

#include "ledge/broker/metric_table.hpp"
#include "ledge/transport/tls_counters.hpp"

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

/// Calls `visit` for each row: those of the core in their order, and those of TLS where their group stands among them.
template <class Visit>
void for_each_metric(Visit&& visit) {
    // Prometheus requires that all samples of a family are one group, so no row of another family may stand between
    // them.
    const std::size_t count = broker::metric_count();
    std::size_t i = 0;
    while (i < count && broker::metric(i).group < broker::MetricGroup::tls) visit(broker::metric(i++));
    for (const TlsMetric& row : tls_metrics) visit(row);
    while (i < count) visit(broker::metric(i++));
}

}  // namespace ledge::admin
