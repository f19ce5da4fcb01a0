// The first rows of the metric table, for metric_table.cpp only: include/ledge/broker/metric_table.hpp says what the
// columns mean, and store_metric_rows.hpp has the rows of memory, store and owners. The order is that of the page for
// Prometheus. The texts are read by operators at night: each sentence names its subject, and the help says what 0
// means. A text has no quotation mark, no backslash and no end of line.
#pragma once

#include "ledge/broker/metric_table.hpp"

namespace ledge::broker::metric_rows {

using session::Counters;
using enum MetricGroup;
using enum MetricType;

template <auto Member>
Reading counted(const MetricSource& source) {
    return {.number = source.metrics.counters.*Member};
}
template <auto Member>
Reading measured(const MetricSource& source) {
    return {.number = source.metrics.*Member};
}

template <std::size_t Length>
Reading sessions_with(const MetricSource& source) {
    const QueueFindings& queues = source.metrics.queues;
    return {.number = queues.sessions_by_length[Length], .is_defined = queues.is_known};
}

inline Reading offline(const MetricSource& source) {
    return {.number = source.metrics.sessions - source.metrics.clients_connected};
}
inline Reading dropped(const MetricSource& source) { return {.number = source.metrics.counters.dropped()}; }
inline Reading refused(const MetricSource& source) {
    return {.number = source.metrics.counters.refused_quota + source.metrics.counters.refused_share};
}
static_assert(QueueFindings::lengths == 7, "each length of queues has a row");
inline std::uint64_t in_seconds(Duration duration) {
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(duration).count());
}

// clang-format off
constexpr Metric first_rows[] = {
    {.group = process, .name = "build_info", .type = gauge, .label = "version", .topic = "version",
     .read = [](const MetricSource& source) { return Reading{.number = 1, .word = source.version}; },
     .help = "The label names the version of the broker. The value is always 1."},
    {.group = process, .name = "uptime_seconds", .type = gauge, .unit = "seconds", .topic = "uptime",
     .is_topic_with_unit = true, .read = [](const MetricSource& source) { return Reading{in_seconds(source.uptime)}; },
     .help = "The value is the time in seconds since the broker was started. 0 means less than one second."},

    {.group = clients, .name = "connections_opened_total", .load = "sockets",
     .read = counted<&Counters::connections_opened>,
     .help = "The broker counts each connection that a listener accepts, before any login. 0 means that no peer has "
             "connected since the start."},
    {.group = clients, .name = "connects_received_total", .load = "connections",
     .read = counted<&Counters::connects_received>,
     .help = "The broker counts each CONNECT packet that begins a connection, whether the login succeeds or fails. 0 "
             "means that no client has tried to log in since the start."},
    {.group = clients, .name = "connections_refused_total", .topic = "clients/refused",
     .read = counted<&Counters::connections_refused>,
     .help = "The broker counts each connection that it closes or refuses before the login has succeeded; the log line "
             "connection_refused has the reason. 0 means that the broker has refused nobody since the start."},
    {.group = clients, .name = "connections_gave_way_total", .topic = "connections/gave_way",
     .read = counted<&Counters::connections_evicted>,
     .help = "The broker counts each client that it disconnects to make room on a full listener, because the user or "
             "address of this client has the most connections there. 0 means that no client had to give way since the "
             "start."},
    {.group = clients, .name = "clients_throttled_total", .topic = "clients/throttled",
     .read = counted<&Counters::clients_throttled>,
     .help = "The broker counts each episode in which a client sends faster than its own limit "
             "(limits.messages_per_second, limits.bytes_per_second). 0 means that every client has kept to its limit."},
    {.group = clients, .name = "users_throttled_total", .topic = "users/throttled",
     .read = counted<&Counters::users_throttled>,
     .help = "The broker counts each episode in which all connections of a user together send faster than the user's "
             "limit (limits.user_messages_per_second, limits.user_bytes_per_second). 0 means that every user has kept "
             "to the limit."},
    {.group = clients, .name = "read_pauses_total", .read = counted<&Counters::read_pauses>,
     .help = "The broker counts each time that it stops reading from a connection for a while, because a client or a "
             "user sends too fast. 0 means that the broker has always read at once."},
    {.group = clients, .name = "accept_pauses_total", .topic = "connections/accept_pauses",
     .read = counted<&Counters::accept_pauses>,
     .help = "The broker counts each time that a listener lets new connections wait, because more came in a second "
             "than connections_per_second allows. 0 means that no connection had to wait."},
    {.group = clients, .name = "connections_paused", .type = gauge, .topic = "clients/paused",
     .read = measured<&Metrics::connections_paused>,
     .help = "The value is the number of connections from which the broker does not read now, because a client or a "
             "user sends too fast. 0 means that the broker reads from all connections."},
    {.group = clients, .name = "traces", .type = gauge, .read = counted<&Counters::traces>,
     .help = "The value is the number of traces that operators run now (GET /api/v1/trace). 0 means that none runs, "
             "and that messages cost nothing for traces."},
    {.group = clients, .name = "login_failures_total", .read = counted<&Counters::login_failures>,
     .help = "The broker counts each login that fails because of a wrong user name, password or token; the log line "
             "login_failed has the reason. 0 means that no login has failed since the start."},
    {.group = clients, .name = "subscribe_steps_total", .read = counted<&Counters::subscribe_steps>,
     .help = "The broker counts its work for SUBSCRIBE and UNSUBSCRIBE packets in steps: one for each entry, for each "
             "comparison with a subscription and for each comparison with a rule. 0 means that no client has "
             "subscribed since the start."},
    {.group = clients, .name = "protocol_errors_total", .read = counted<&Counters::protocol_errors>,
     .help = "The broker counts each client that it disconnects after the login because the client has violated the "
             "MQTT standard or a limit. 0 means that no client has done this since the start."},
    {.group = clients, .name = "keep_alive_timeouts_total", .read = counted<&Counters::keep_alive_timeouts>,
     .help = "The broker counts each client that it disconnects because no packet came within one and a half times the "
             "client's keep alive. 0 means that no client has become silent since the start."},
    {.group = clients, .name = "takeovers_total", .read = counted<&Counters::takeovers>,
     .help = "The broker counts each connection that ends because a newer connection uses the same client id. 0 means "
             "that this has not happened since the start."},
    {.group = clients, .name = "takeovers_delayed_total", .read = counted<&Counters::takeovers_delayed>,
     .help = "The broker counts each connection that has to wait because several clients use one client id and replace "
             "each other again and again. 0 means that this has not happened since the start."},
    {.group = clients, .name = "sessions_expired_total", .topic = "clients/expired",
     .read = counted<&Counters::sessions_expired>,
     .help = "The broker counts each session that ends because its client did not come back within the session expiry "
             "interval. 0 means that no session has expired since the start."},
    {.group = clients, .name = "policy_reloads_total", .label = "outcome", .label_value = "taken",
     .topic = "policy/taken", .read = counted<&Counters::policies_loaded>,
     .help = "The broker counts each time that it reads the users and rights again. 0 means that this outcome has not "
             "occurred since the start.",
     .sample = "The files had no mistake, so the new users and rights are in force."},
    {.group = clients, .name = "policy_reloads_total", .label = "outcome", .label_value = "refused",
     .topic = "policy/refused", .read = counted<&Counters::policies_refused>,
     .sample = "A file had a mistake, so the old users and rights stay in force; the log line policy_refused has the "
               "reason."},
    {.group = clients, .name = "connections", .type = gauge, .read = measured<&Metrics::connections>,
     .help = "The value is the number of open connections, before and after the login. 0 means that nobody is "
             "connected."},
    {.group = clients, .name = "clients_connected", .type = gauge, .topic = "clients/connected",
     .other_topic = "clients/active", .read = measured<&Metrics::clients_connected>,
     .help = "The value is the number of clients that are logged in. 0 means that no client is logged in."},
    {.group = clients, .name = "clients_connected_max", .type = gauge, .topic = "clients/maximum",
     .read = measured<&Metrics::clients_connected_max>,
     .help = "The value is the largest number of clients that were logged in at the same time since the start. 0 means "
             "that no client has logged in."},
    {.group = clients, .type = gauge, .topic = "clients/disconnected", .other_topic = "clients/inactive",
     .read = offline,
     .help = "The value is the number of sessions whose client is not connected. 0 means that the client of every "
             "session is connected."},
    {.group = clients, .name = "sessions", .type = gauge, .topic = "clients/total",
     .read = measured<&Metrics::sessions>,
     .help = "The value is the number of sessions, with a connected client and without. 0 means that there is none."},
    {.group = clients, .name = "sessions_by_queue", .type = gauge, .label = "messages", .label_value = "0",
     .read = sessions_with<0>,
     .help = "The value is the number of sessions whose queue has this length; all samples together are all sessions. "
             "The broker looks at many sessions in steps, so the figure can be some seconds old. 0 means that no "
             "session has such a queue.",
     .sample = "No message waits for the client, and none is in flight."},
    {.group = clients, .name = "sessions_by_queue", .type = gauge, .label = "messages", .label_value = "1_9",
     .read = sessions_with<1>,
     .sample = "From 1 to 9 messages wait or are in flight."},
    {.group = clients, .name = "sessions_by_queue", .type = gauge, .label = "messages", .label_value = "10_99",
     .read = sessions_with<2>,
     .sample = "From 10 to 99 messages wait or are in flight."},
    {.group = clients, .name = "sessions_by_queue", .type = gauge, .label = "messages", .label_value = "100_999",
     .read = sessions_with<3>,
     .sample = "From 100 to 999 messages wait or are in flight."},
    {.group = clients, .name = "sessions_by_queue", .type = gauge, .label = "messages", .label_value = "1000_9999",
     .read = sessions_with<4>,
     .sample = "From 1000 to 9999 messages wait or are in flight."},
    {.group = clients, .name = "sessions_by_queue", .type = gauge, .label = "messages", .label_value = "10000_99999",
     .read = sessions_with<5>,
     .sample = "From 10000 to 99999 messages wait or are in flight."},
    {.group = clients, .name = "sessions_by_queue", .type = gauge, .label = "messages", .label_value = "100000_or_more",
     .read = sessions_with<6>,
     .sample = "At least 100000 messages wait or are in flight."},
    {.group = clients, .name = "session_queue_messages", .type = gauge, .label = "client_id",
     .read = [](const MetricSource& source) { return Reading{.owners = &source.metrics.queues.longest}; },
     .help = "The value is the number of messages that wait for one client or are in flight to it. The ten sessions "
             "with the longest queues are shown; a session with 0 is not shown."},
    {.group = clients, .name = "session_dropped_messages_total", .label = "client_id",
     .read = [](const MetricSource& source) { return Reading{.owners = &source.metrics.queues.losses}; },
     .help = "The broker counts each message that one client has lost, whatever the reason. The ten sessions that have "
             "lost most are shown; a session with 0 is not shown."},
    {.group = clients, .name = "subscriptions", .type = gauge, .topic = "subscriptions/count",
     .read = measured<&Metrics::subscriptions>,
     .help = "The value is the number of subscriptions of all sessions, shared subscriptions included. 0 means that no "
             "session has subscribed to anything."},
    {.group = clients, .name = "shared_subscriptions", .type = gauge, .topic = "shared_subscriptions/count",
     .read = measured<&Metrics::shared_subscriptions>,
     .help = "The value is the number of shared subscriptions ($share/GROUP/FILTER) of all sessions. 0 means that "
             "there is none."},

    {.group = traffic, .name = "received_bytes_total", .unit = "bytes", .topic = "bytes/received",
     .load = "bytes/received", .read = counted<&Counters::bytes_received>,
     .help = "The broker adds up the size in bytes of all MQTT packets from clients. 0 means that no client has sent "
             "anything since the start."},
    {.group = traffic, .name = "sent_bytes_total", .unit = "bytes", .topic = "bytes/sent", .load = "bytes/sent",
     .read = counted<&Counters::bytes_sent>,
     .help = "The broker adds up the size in bytes of all MQTT packets to clients. 0 means that the broker has sent "
             "nothing since the start."},
    {.group = traffic, .name = "packets_received_total", .topic = "messages/received", .load = "messages/received",
     .read = counted<&Counters::packets_received>,
     .help = "The broker counts each MQTT packet of any type from clients. 0 means that no packet has come since the "
             "start."},
    {.group = traffic, .name = "packets_sent_total", .topic = "messages/sent", .load = "messages/sent",
     .read = counted<&Counters::packets_sent>,
     .help = "The broker counts each MQTT packet of any type to clients. 0 means that the broker has sent no packet "
             "since the start."},
    {.group = traffic, .name = "publish_received_total", .topic = "publish/messages/received",
     .load = "publish/received", .read = counted<&Counters::publish_received>,
     .help = "The broker counts each PUBLISH packet from clients. 0 means that no client has published since the "
             "start."},
    {.group = traffic, .name = "publish_sent_total", .topic = "publish/messages/sent", .load = "publish/sent",
     .read = counted<&Counters::publish_sent>,
     .help = "The broker counts each PUBLISH packet to clients. 0 means that no subscriber has got a message since the "
             "start."},
    {.group = traffic, .name = "publish_payload_received_bytes_total", .unit = "bytes",
     .topic = "publish/bytes/received", .read = counted<&Counters::publish_bytes_received>,
     .help = "The broker adds up the size in bytes of the payloads of all PUBLISH packets from clients. 0 means that "
             "no client has published a payload since the start."},
    {.group = traffic, .name = "publish_payload_sent_bytes_total", .unit = "bytes", .topic = "publish/bytes/sent",
     .read = counted<&Counters::publish_bytes_sent>,
     .help = "The broker adds up the size in bytes of the payloads of all PUBLISH packets to clients. 0 means that no "
             "subscriber has got a payload since the start."},
    {.group = traffic, .name = "wills_published_total", .read = counted<&Counters::wills_published>,
     .help = "The broker counts each will message that it publishes for a client that has failed. 0 means that no will "
             "was published since the start."},

    {.group = losses, .topic = "publish/messages/dropped", .load = "publish/dropped", .read = dropped,
     .help = "The value is the sum of all dropped publications; the topics below this one have the reasons. 0 means "
             "that every publication has reached its sessions since the start."},
    {.group = losses, .name = "publications_dropped_total", .label = "reason", .label_value = "slow_reader",
     .topic = "publish/messages/dropped/slow_reader", .read = counted<&Counters::dropped_slow_reader>,
     .help = "The broker counts each publication that does not reach a session to which it was routed. 0 means that no "
             "publication was lost for this reason since the start.",
     .sample = "A QoS 0 message found more than limits.outbox_bytes_max bytes that the subscriber had not yet read."},
    {.group = losses, .name = "publications_dropped_total", .label = "reason", .label_value = "memory",
     .topic = "publish/messages/dropped/memory", .read = counted<&Counters::dropped_memory>,
     .sample = "The memory budget (memory.budget_bytes) was nearly used up, so a QoS 0 message to a slow reader or a "
               "message that only memory would keep was dropped."},
    {.group = losses, .name = "publications_dropped_total", .label = "reason", .label_value = "queue_full",
     .topic = "publish/messages/dropped/queue_full", .read = counted<&Counters::dropped_queue_full>,
     .sample = "The queue of the session had reached a limit (limits.queue_...), or a full disk left a will no room."},
    {.group = losses, .name = "publications_dropped_total", .label = "reason", .label_value = "too_large",
     .topic = "publish/messages/dropped/too_large", .read = counted<&Counters::dropped_too_large>,
     .sample = "The packet was larger than the Maximum Packet Size that the subscriber had named in CONNECT."},
    {.group = losses, .name = "publications_dropped_total", .label = "reason", .label_value = "expired",
     .topic = "publish/messages/dropped/expired", .read = counted<&Counters::dropped_expired>,
     .sample = "The message waited in the queue until its Message Expiry Interval, or the age_max_s of a bridge's "
               "queue, had passed."},
    {.group = losses, .name = "publications_dropped_total", .label = "reason", .label_value = "replaced",
     .topic = "publish/messages/dropped/replaced", .read = counted<&Counters::dropped_replaced>,
     .sample = "A newer message of the topic came while this one waited for the upstream of a bridge whose queue keeps "
               "the last value of the topic (last_value)."},
    {.group = losses, .name = "publications_dropped_total", .label = "reason", .label_value = "not_allowed",
     .topic = "publish/messages/dropped/not_allowed", .read = counted<&Counters::dropped_not_allowed>,
     .sample = "The rules no longer allow the subscriber to read the topic of a message that was in its queue."},
    {.group = losses, .name = "publications_dropped_total", .label = "reason", .label_value = "session_ended",
     .topic = "publish/messages/dropped/session_ended", .read = counted<&Counters::dropped_session_ended>,
     .sample = "The session ended while the message was still in its queue or not yet acknowledged."},
    {.group = losses, .name = "publications_dropped_total", .label = "reason", .label_value = "unreadable",
     .topic = "publish/messages/dropped/unreadable", .read = counted<&Counters::dropped_unreadable>,
     .sample = "The store could not give the message back, or the store failed before it had kept the message."},
    {.group = losses, .name = "publications_dropped_total", .label = "reason", .label_value = "cleared",
     .topic = "publish/messages/dropped/cleared", .read = counted<&Counters::dropped_cleared>,
     .sample = "An operator cleared the queue of the session."},
    {.group = losses, .name = "last_value_unindexed_total", .read = counted<&Counters::last_value_unindexed>,
     .help = "The broker counts each message that waits for a bridge and that no newer message of its topic will "
             "replace, although last_value covers the topic: 10,000 topics wait already, or topics of 2 MiB. 0 means "
             "that the queues of all bridges keep only the newest message of each such topic."},
    {.group = losses, .topic = "publish/messages/refused", .read = refused,
     .help = "The value is the sum of the publications that were refused for the reasons quota and owner_share. 0 "
             "means that the broker has refused no publication for these reasons since the start."},
    {.group = losses, .name = "publications_refused_total", .label = "reason", .label_value = "quota",
     .read = counted<&Counters::refused_quota>,
     .help = "The broker counts each publication that it does not accept or does not retain; a publisher of QoS 1 or 2 "
             "is told. 0 means that no publication was refused for this reason since the start.",
     .sample = "The queue of a subscriber with the policy refuse was full, or the store had failed or had no room."},
    {.group = losses, .name = "publications_refused_total", .label = "reason", .label_value = "owner_share",
     .read = counted<&Counters::refused_share>,
     .sample = "The store is short of room, and the user or address of the publisher has used up its share of it."},
    {.group = losses, .name = "publications_refused_total", .label = "reason", .label_value = "retained_full",
     .read = counted<&Counters::retained_refused>,
     .sample = "The message was not retained, because a limit (retained.messages_max, retained.bytes_max), the memory "
               "budget or the owner's share of the store was reached."},
    {.group = losses, .name = "not_allowed_total", .read = counted<&Counters::refused_not_allowed>,
     .help = "The broker counts each publication and each subscription that the access rules deny. 0 means that the "
             "rules have denied nothing since the start."},
};
// clang-format on

}  // namespace ledge::broker::metric_rows
