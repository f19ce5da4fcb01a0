// The rows of the metric table for listeners; metric_rows.hpp has their place among all rows. Each listener has a
// sample of each row; its name is the value of the label.
#pragma once

#include "ledge/admin/part_figures.hpp"
#include "ledge/broker/metric_table.hpp"

namespace ledge::admin {

using ListenerMetric = broker::MetricRow<ListenerAndTls>;

template <auto Member>
broker::Reading listened(const ListenerAndTls& listener) {
    return {.number = listener.*Member};
}
template <auto Member>
broker::Reading counted_at(const ListenerAndTls& listener) {
    return {.number = listener.counters.*Member};
}
template <auto Member>
broker::Reading shaken(const ListenerAndTls& listener) {
    return {.number = listener.tls.*Member};
}

// clang-format off
inline constexpr ListenerMetric listener_metrics[] = {
    {.group = broker::MetricGroup::listeners, .name = "listener_connections", .type = broker::MetricType::gauge,
     .label = "listener", .other_label = "stage", .other_label_value = "client",
     .read = listened<&ListenerAndTls::connected>,
     .help = "The value is the number of connections that occupy a place of the listener. 0 means that there is none.",
     .sample = "The client is logged in."},
    {.group = broker::MetricGroup::listeners, .name = "listener_connections", .type = broker::MetricType::gauge,
     .label = "listener", .other_label = "stage", .other_label_value = "arriving",
     .read = listened<&ListenerAndTls::arriving>,
     .sample = "The peer has not sent CONNECT, or its login is being checked."},
    {.group = broker::MetricGroup::listeners, .name = "listener_connections_max", .type = broker::MetricType::gauge,
     .label = "listener", .read = listened<&ListenerAndTls::connections_max>,
     .help = "The value is the largest number of clients that the listener serves at the same time (connections_max)."},
    {.group = broker::MetricGroup::listeners, .name = "listener_accepted_total", .label = "listener",
     .read = counted_at<&session::ListenerCounters::accepted>,
     .help = "The broker counts each connection that the listener accepts, before any login and after the TLS "
             "handshake. 0 means that no peer has connected since the start."},
    {.group = broker::MetricGroup::listeners, .name = "listener_refused_total", .label = "listener",
     .other_label = "reason", .other_label_value = "login",
     .read = counted_at<&session::ListenerCounters::refused_login>,
     .help = "The broker counts each connection of the listener that it closes or refuses before the login has "
             "succeeded; the log line connection_refused has the reason. 0 means that nobody was refused for this "
             "reason since the start.",
     .sample = "The user name, password or token was wrong, or the client has no right to log in."},
    {.group = broker::MetricGroup::listeners, .name = "listener_refused_total", .label = "listener",
     .other_label = "reason", .other_label_value = "room",
     .read = counted_at<&session::ListenerCounters::refused_room>,
     .sample = "The listener had no place, memory was short, or too many logins were being checked."},
    {.group = broker::MetricGroup::listeners, .name = "listener_refused_total", .label = "listener",
     .other_label = "reason", .other_label_value = "protocol",
     .read = counted_at<&session::ListenerCounters::refused_protocol>,
     .sample = "The peer sent no valid CONNECT in time, or asked for something that the broker does not support."},
    {.group = broker::MetricGroup::listeners, .name = "listener_received_bytes_total", .unit = "bytes",
     .label = "listener", .read = counted_at<&session::ListenerCounters::bytes_received>,
     .help = "The broker adds up the size in bytes of all MQTT packets from clients of the listener; WebSocket, TLS "
             "and IP are not included. 0 means that no client has sent anything since the start."},
    {.group = broker::MetricGroup::listeners, .name = "listener_sent_bytes_total", .unit = "bytes",
     .label = "listener", .read = counted_at<&session::ListenerCounters::bytes_sent>,
     .help = "The broker adds up the size in bytes of all MQTT packets to clients of the listener. 0 means that the "
             "broker has sent nothing there since the start."},
    {.group = broker::MetricGroup::listeners, .name = "listener_tls_handshakes_total", .label = "listener",
     .other_label = "result", .other_label_value = "full", .read = shaken<&transport::TlsCounters::full>,
     .help = "The broker counts each TLS handshake on the listener that a peer began or wanted to begin. 0 means that "
             "no handshake had this result since the start, or that the listener has no TLS.",
     .sample = "The handshake succeeded with a new session."},
    {.group = broker::MetricGroup::listeners, .name = "listener_tls_handshakes_total", .label = "listener",
     .other_label = "result", .other_label_value = "resumed", .read = shaken<&transport::TlsCounters::resumed>,
     .sample = "The handshake succeeded and resumed an earlier session, which costs little computing time."},
    {.group = broker::MetricGroup::listeners, .name = "listener_tls_handshakes_total", .label = "listener",
     .other_label = "result", .other_label_value = "failed", .read = shaken<&transport::TlsCounters::failed>,
     .sample = "The handshake failed or took too long; the log line tls_refused has the reason."},
    {.group = broker::MetricGroup::listeners, .name = "listener_tls_handshakes_total", .label = "listener",
     .other_label = "result", .other_label_value = "refused", .read = shaken<&transport::TlsCounters::refused>,
     .sample = "The broker closed the connection before the handshake, because too many handshakes were waiting."},
};
// clang-format on

}  // namespace ledge::admin
