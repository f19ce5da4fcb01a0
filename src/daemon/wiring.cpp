// Translates the configuration into the options of each module, so that no module depends on config.
#include "wiring.hpp"

#include <algorithm>

#include "ledge/admin/pages.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/runtime/clock.hpp"
#include "ledge/runtime/memory.hpp"
#include "ledge/transport/endpoint.hpp"
#include "tls_files.hpp"

namespace ledge::daemon {
namespace {

transport::Endpoint endpoint_of(const config::Endpoint& endpoint) {
    transport::Endpoint result;
    if (endpoint.is_for_devices()) {
        result.kind = transport::Endpoint::Kind::none;
        return result;
    }
    const bool is_tcp = endpoint.kind == config::Endpoint::Kind::tcp;
    result.kind = is_tcp ? transport::Endpoint::Kind::tcp : transport::Endpoint::Kind::unix_socket;
    result.host = endpoint.host;
    result.port = endpoint.port;
    result.path = endpoint.path;
    return result;
}

/// The options for what lies between the socket and MQTT: accept rate, PROXY protocol, TLS, WebSocket.
runtime::FrontOptions front_of(const config::ListenerSocket& socket) {
    runtime::FrontOptions front;
    front.accept_rate = {socket.connections_per_second, socket.connections_burst};
    if (socket.proxy_protocol) front.proxy = transport::ProxyOptions{.from = socket.proxy_networks};
    if (socket.peer_credentials) front.peer_names = transport::PeerNames::by_kernel;
    if (socket.endpoint.is_tls) front.tls = tls_options(socket.tls, socket.endpoint.protocol);
    if (socket.endpoint.protocol != config::Endpoint::Protocol::websocket) return front;
    const config::WebSocketSettings& settings = socket.websocket;
    front.websocket = transport::WebSocketOptions{.path = socket.endpoint.resource,
                                                  .origins = settings.origins,
                                                  .trusted_proxies = socket.trusted_networks,
                                                  .message_bytes_max = settings.message_bytes_max,
                                                  .compression = settings.compression,
                                                  .ping_interval = settings.ping_interval};
    front.web_limits.header_bytes_max = settings.header_bytes_max;
    front.web_limits.request_timeout = settings.handshake_timeout;
    return front;
}

std::chrono::microseconds wall_clock() {
    return std::chrono::duration_cast<std::chrono::microseconds>(runtime::read_wall_clock().time_since_epoch());
}

}  // namespace

storage::LmdbStoreOptions store_options(const config::Config& config) {
    LEDGE_ASSERT(config.store.is_used());
    return {.path = config.store.path, .size_max_bytes = config.store.size_max_bytes, .wall_clock = wall_clock};
}

Result<std::vector<admin::AdminToken>, Error> admin_tokens(const config::Config& config) {
    std::vector<admin::AdminToken> tokens;
    if (!config.admin.token_file.empty()) {
        auto secret = admin::read_token(config.admin.token_file);
        if (!secret) return Failure{secret.error()};
        tokens.push_back({"token", std::move(*secret), admin::Right::act});
    }
    for (const config::AdminTokenSettings& token : config.admin.tokens) {
        auto secret = admin::read_token(token.file);
        if (!secret) return Failure{secret.error()};
        const auto is_equal = [&secret](const admin::AdminToken& other) { return other.secret == *secret; };
        // Otherwise it would be chance which name and which rights a request has.
        if (std::ranges::any_of(tokens, is_equal))
            return Failure{
                Error{{}, "{} holds the token of another file; give each operator a token of its own", token.file}};
        tokens.push_back({token.name, std::move(*secret), token.may_act ? admin::Right::act : admin::Right::read});
    }
    return tokens;
}

void share_descriptors(runtime::BrokerLoopOptions& options, std::uint64_t descriptors) {
    constexpr std::uint64_t reserved = 64;       // for files of the broker and connections of the operator
    constexpr std::uint64_t share_divisor = 16;  // a 16th of all, for peers that are not clients yet, or no longer
    constexpr std::uint64_t share_min = 16;      // with fewer, hardly any client could log in
    constexpr std::uint64_t clients_total_min = 16;
    LEDGE_ASSERT(options.endpoints.size() == options.shard.listeners.size());
    LEDGE_ASSERT(options.endpoints.size() == options.fronts.size());
    // At least 1, because the share is divided by this number.
    const std::uint64_t listeners = std::max<std::size_t>(options.endpoints.size(), 1);
    const std::uint64_t share = std::max(descriptors / share_divisor / listeners, share_min);
    // A limit is only ever lowered: a smaller limit of the configuration stays.
    const auto at_most = [](std::uint32_t& limit, std::uint64_t most) {
        limit = static_cast<std::uint32_t>(std::min<std::uint64_t>(limit, most));
        return limit;
    };
    // `others` sums up what is not for clients: each limit below is lowered to its share and added.
    std::uint64_t others = reserved + at_most(options.driver.linger_links_max, share * listeners);
    for (std::size_t i = 0; i < options.endpoints.size(); ++i) {
        broker::ListenerOptions& listener = options.shard.listeners[i];
        listener.arrivals_max = 64 + listener.connections_max / 16;
        if (listener.is_local) continue;  // Unix sockets are for the operator and are not limited
        if (options.endpoints[i].kind == transport::Endpoint::Kind::none) continue;  // its clients have no descriptors
        others += at_most(listener.arrivals_max, share);
        runtime::FrontOptions& front = options.fronts[i];
        if (front.websocket) others += at_most(front.web_limits.visitors_max, share);
        // Handshakes under way and waiting peers share one part, half each.
        if (!front.tls) continue;
        at_most(front.tls->handshakes_max, share / 2);
        others += front.tls->handshakes_max + at_most(front.tls->handshakes_queued_max, share / 2);
    }
    // What remains is for clients. All listeners share it, because one of them may have most clients.
    const std::uint64_t clients = descriptors > others + clients_total_min ? descriptors - others : clients_total_min;
    at_most(options.shard.connections_total_max, clients);
}

std::vector<std::string> urls_of_web(const config::Config& config) {
    std::vector<std::string> urls;
    for (const config::ListenerSocket& socket : config.sockets) {
        if (socket.endpoint.protocol == config::Endpoint::Protocol::websocket) urls.push_back(socket.url);
    }
    return urls;
}

runtime::BrokerLoopOptions loop_options(const config::Config& config, std::string_view version, std::uint64_t seed) {
    runtime::BrokerLoopOptions options;
    options.shard = config.shard;
    // 0 in the configuration means a part of the machine, 0 in the options of the shard means unlimited.
    if (options.shard.memory_budget_bytes == 0) options.shard.memory_budget_bytes = runtime::usual_memory_budget();
    options.shard.server_version = "LedgeMQ " + std::string(version);
    for (const config::ListenerSocket& socket : config.sockets) {
        // The number of endpoints so far is the index of this socket, and its listener has the same index.
        const auto& listener = config.shard.listeners[options.endpoints.size()];
        options.endpoints.push_back(endpoint_of(socket.endpoint));
        options.fronts.push_back(front_of(socket));
        if (auto& websocket = options.fronts.back().websocket) {  // the largest packet must fit into one message
            websocket->message_bytes_max =
                std::max<std::uint64_t>(websocket->message_bytes_max, listener.limits.max_packet_size_bytes);
        }
    }
    // True if a listener proves user names without the password file.
    options.shard.has_other_users =
        std::any_of(config.sockets.begin(), config.sockets.end(), [](const config::ListenerSocket& socket) {
            const bool has_certificates =
                socket.endpoint.is_tls && socket.tls.client_certificate != config::ClientCertificate::none;
            const bool has_devices = !socket.user.empty() || !socket.mqttsn.connectionless_user.empty() ||
                                     !socket.mqttsn.devices_file.empty();
            return socket.peer_credentials || has_certificates || has_devices || !socket.tls.psk_file.empty();
        });
    // [::] also accepts IPv4. Beside 0.0.0.0 on the same port it must not, or one of the two could not be bound.
    for (transport::Endpoint& endpoint : options.endpoints) {
        endpoint.is_ipv6_only = endpoint.host == "::" && std::ranges::any_of(options.endpoints, [&](const auto& other) {
                                    return other.kind == transport::Endpoint::Kind::tcp && other.host == "0.0.0.0" &&
                                           other.port == endpoint.port && endpoint.port != 0;
                                });
    }
    if (config.admin.is_used()) {
        options.admin = runtime::AdminOptions{.endpoint = endpoint_of(config.admin_endpoint)};
        const config::Endpoint& admin = config.admin_endpoint;
        if (admin.is_tls) options.admin->tls = tls_options(config.admin.tls, admin.protocol);
    }
    if (!config.admin.socket.empty()) {
        options.admin_socket = runtime::AdminOptions{};
        options.admin_socket->endpoint.kind = transport::Endpoint::Kind::unix_socket;
        options.admin_socket->endpoint.path = config.admin.socket;
        options.admin_socket->limits.body_bytes_max = config.admin.body_bytes_max;
    }
    if (options.admin) options.admin->limits.body_bytes_max = config.admin.body_bytes_max;
    for (runtime::FrontOptions& front : options.fronts) front.web_limits.body_bytes_max = config.admin.body_bytes_max;
    LEDGE_ASSERT(options.endpoints.size() == options.fronts.size());
    // Without a store every publication has the durability level ram (broker/options.hpp), so there is nothing to
    // write.
    options.shard.durability.journal.is_enabled = config.store.is_used();
    options.daily_write_budget_bytes = config.store.daily_write_budget_bytes;
    options.seed = seed;
    options.stop_time_max = config.stop_time_max;
    return options;
}

}  // namespace ledge::daemon
