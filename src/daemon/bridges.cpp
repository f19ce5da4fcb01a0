#include "bridges.hpp"

#include <algorithm>
#include <utility>

#include "bridge_password.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/broker/options.hpp"
#include "ledge/config/config.hpp"
#include "ledge/config/load.hpp"
#include "ledge/net/tls_client.hpp"
#include "ledge/session/inner_clients.hpp"
#include "ledge/uplink/options.hpp"
#include "machine_name.hpp"

namespace ledge::daemon {
namespace {

session::OverflowPolicy policy_of(config::BridgeQueueSettings::Overflow overflow) {
    using Overflow = config::BridgeQueueSettings::Overflow;
    switch (overflow) {
        case Overflow::drop_oldest: return session::OverflowPolicy::drop_oldest;
        case Overflow::drop_newest: return session::OverflowPolicy::drop_newest;
        case Overflow::refuse: return session::OverflowPolicy::refuse;
    }
    return session::OverflowPolicy::drop_oldest;
}

/// The configuration allows what a peer may grant; a session of this broker has a smaller limit.
std::uint16_t inflight_max_of(const config::BridgeSettings& settings) {
    return static_cast<std::uint16_t>(std::min<std::uint32_t>(settings.inflight_max, session::inflight_ceiling));
}

}  // namespace

broker::ListenerOptions inner_listener(const config::BridgeSettings& settings, bool has_store, bool is_lane) {
    constexpr std::uint64_t memory_max_with_store = 16ULL * 1024 * 1024;
    broker::ListenerOptions listener;
    const std::string lane = session::priority_lane_of(settings.name);
    // A name that no section [listeners.NAME] can have, so log lines and metrics tell the two apart.
    listener.name = session::listener_of_bridge(is_lane ? lane : settings.name);
    listener.connections_max = 4;  // the present connection, and earlier ones that are closing
    listener.arrivals_max = 4;
    listener.is_local = true;
    session::SessionLimits& limits = listener.limits;
    // Never: what waits for the upstream must outlive every time without a connection.
    limits.session_expiry_max_s = 0xFFFF'FFFF;
    limits.inflight_max = inflight_max_of(settings);
    limits.queue_messages_max = settings.queue.messages_max;
    limits.queue_stored_messages_max = settings.queue.messages_max;
    limits.queue_stored_bytes_max = settings.queue.bytes_max;
    // With a store, only messages of the durability level ram wait in memory.
    limits.queue_bytes_max =
        has_store ? std::min(settings.queue.bytes_max, memory_max_with_store) : settings.queue.bytes_max;
    limits.overflow = policy_of(settings.queue.overflow);
    // With a limited rate, about a second's worth may be ahead of an answer of the local broker, so that answers are
    // not late. QoS 0 messages above it are dropped, as for any client that reads slowly.
    constexpr std::uint64_t outbox_bytes_min = 4096;
    if (const std::uint64_t rate = settings.queue.rate_bytes_per_second; rate > 0)
        limits.outbox_bytes_max = std::clamp(rate, outbox_bytes_min, limits.outbox_bytes_max);
    // Also without an age limit: the queue then records when a message has come, so that a later limit applies to it.
    session::QueueRules& rules = listener.queue_rules.emplace();
    rules.age_max = settings.queue.age_max;
    rules.last_value = settings.queue.last_value;
    rules.only_empties = is_lane && settings.queue.priority.empty();
    if (settings.queue.priority.empty()) return listener;
    if (!is_lane) rules.excluded = settings.queue.priority;
    // What one of the two brings or publishes here does not leave by the other one.
    rules.excluded_client = session::client_id_of_bridge(is_lane ? settings.name : lane);
    return listener;
}

namespace {

uplink::Server server_of(const config::Endpoint& endpoint, const config::BridgeSettings& settings) {
    // A server may send several packets in one WebSocket message.
    constexpr std::uint64_t more_bytes_max = 1024 * 1024;
    uplink::Server server;
    server.host = endpoint.host;
    server.port = endpoint.port;
    server.is_tls = endpoint.is_tls;
    if (endpoint.protocol != config::Endpoint::Protocol::websocket) return server;
    server.websocket_path = endpoint.resource;
    if (settings.compression) server.expanded_bytes_max = settings.packet_bytes_max + more_bytes_max;
    return server;
}

/// Retained, so that somebody who subscribes later learns the state, too.
client::WillOptions state_message(const std::string& topic, std::string payload) {
    client::WillOptions message;
    message.topic = topic;
    message.payload = std::move(payload);
    message.qos = wire::QoS::at_least_once;
    message.retain = true;
    return message;
}

/// What both ends of a bridge do with messages. `machine` makes the client ids of two gateways different.
bridge::RelayOptions relay_options(const config::BridgeSettings& settings, std::string_view machine) {
    bridge::RelayOptions relay;
    relay.routes = settings.routes;
    relay.client_id = config::client_id_of(settings, machine);
    if (!settings.user.empty()) relay.user_name = settings.user;
    if (!settings.state_topic.empty()) {
        relay.will = state_message(settings.state_topic, "0");
        relay.online_message = state_message(settings.state_topic, "1");
    }
    const auto seconds = [](Duration duration) {
        return std::chrono::duration_cast<std::chrono::seconds>(duration).count();
    };
    relay.keep_alive_s = static_cast<std::uint16_t>(seconds(settings.keep_alive));
    relay.session_expiry_s = static_cast<std::uint32_t>(seconds(settings.session_expiry));
    relay.packet_bytes_max = settings.packet_bytes_max;
    relay.connack_timeout = settings.connack_timeout;
    relay.suback_timeout = settings.suback_timeout;
    relay.inner_client_id = session::client_id_of_bridge(settings.name);
    relay.inflight_max = inflight_max_of(settings);
    relay.character_map = settings.character_pairs;
    relay.marks = settings.marks;
    relay.own_id = relay.client_id;
    relay.poison_attempts = static_cast<int>(settings.queue.poison_attempts);
    relay.dead_letter_topic = settings.queue.dead_letter_topic;
    relay.republishes_retained = settings.republish_retained;
    relay.falls_back_to_qos0 = settings.fall_back_to_qos0;
    return relay;
}

}  // namespace

net::TlsClientOptions tls_client_options(const config::BridgeTlsSettings& settings) {
    net::TlsClientOptions tls;
    tls.ca_file = settings.ca;
    tls.certificate = {settings.certificate, settings.key};
    tls.alpn = settings.alpn;
    tls.psk_file = settings.psk_file;
    return tls;
}

/// Everything about the connection to the upstream: where, how, when, and with which password.
uplink::UplinkOptions uplink_options(const config::BridgeSettings& settings, std::uint16_t listener,
                                     std::string_view machine) {
    uplink::UplinkOptions uplink;
    uplink.name = settings.name;
    for (const config::Endpoint& endpoint : settings.endpoints) uplink.servers.push_back(server_of(endpoint, settings));
    uplink.relay = relay_options(settings, machine);
    uplink.upstream.kind = config::upstream_kind_of(settings);
    uplink.upstream.protocol = settings.protocol;
    uplink.upstream.uses_bridge_bit = settings.bridge_bit;
    uplink.server_name = settings.tls.server_name;
    if (settings.uses_tls()) uplink.tls = tls_client_options(settings.tls);
    uplink.inner_listener = listener;
    uplink.inner_user = uplink.relay.inner_client_id;
    uplink.queue = {{settings.queue.messages_max, settings.queue.bytes_max}, settings.queue.warn_time_to_full};
    uplink.password = password_hook(settings);
    uplink.rate_bytes_per_second = settings.queue.rate_bytes_per_second;
    uplink.backoff.first = settings.retry_first;
    uplink.backoff.largest = settings.retry_max;
    // A pause for an operator must not be longer than the longest pause that the operator has allowed.
    uplink.backoff.operator_smallest = std::min(uplink.backoff.operator_smallest, settings.retry_max);
    uplink.connect_timeout = settings.connect_timeout;
    for (const config::DayWindow& window : settings.day_windows)
        uplink.windows.push_back({window.begin_minute, window.end_minute});
    uplink.is_on_demand = settings.lazy;
    uplink.idle_time = settings.lazy_idle;
    return uplink;
}

void check_bridge_client_ids(config::Loaded& loaded, const MachineName& machine) {
    config::check_client_ids(loaded, machine.text);
    for (const config::BridgeSettings& settings : loaded.config.bridges) {
        if (machine.has_machine_id || !settings.client_id.empty()) continue;
        loaded.notes.push_back(
            "this machine has no id in /etc/machine-id, so another machine with the same host name "
            "and a bridge '" +
            settings.name + "' would have the same client id, " + config::client_id_of(settings, machine.text) +
            ", and the two would disconnect each other; set bridges." + settings.name +
            ".client_id, or run systemd-machine-id-setup");
    }
}

uplink::UplinkOptions priority_options(const config::BridgeSettings& settings, const uplink::UplinkOptions& bridge,
                                       std::uint16_t listener) {
    LEDGE_ASSERT(bridge.name == settings.name);
    // A lane differs in little, so that a key that is added to bridges holds for lanes, too.
    uplink::UplinkOptions lane = bridge;
    lane.name = session::priority_lane_of(settings.name);
    lane.priority_of = settings.name;
    lane.inner_listener = listener;
    // With equal client ids the upstream would end one connection for the other, again and again.
    lane.relay.client_id += config::priority_client_id_end;
    lane.relay.inner_client_id = session::client_id_of_bridge(lane.name);
    lane.relay.local_filters = settings.queue.priority;
    lane.relay.only_empties = settings.queue.priority.empty();
    // Otherwise each message of the upstream would come twice.
    lane.relay.carries_incoming = false;
    // The state at the upstream is that of the connection that carries both directions.
    lane.relay.will.reset();
    lane.relay.online_message.reset();
    return lane;
}

}  // namespace ledge::daemon
