#include "links.hpp"

#include <chrono>
#include <memory>
#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/base/log.hpp"
#include "ledge/config/devices_file.hpp"
#include "ledge/config/load.hpp"
#include "ledge/link/gateways.hpp"
#include "ledge/runtime/broker_loop.hpp"
#include "ledge/runtime/clock.hpp"

namespace ledge::daemon {
namespace {

/// The module mqttsn knows no configuration, so each key finds its place here.
mqttsn::GatewayOptions gateway_options(const config::MqttsnSettings& settings, const std::string& listener,
                                       bool is_serial) {
    mqttsn::GatewayOptions gateway;
    gateway.gateway_id = settings.gateway_id;
    gateway.peers_max = settings.peers_max;
    gateway.unknown_per_second = settings.unknown_per_second;
    gateway.advertise_interval_s = settings.advertise_interval_s;
    // The devices of a line that was unplugged, or whose broker has started again, need not wait for their keep alive.
    gateway.advertises_on_open = is_serial;
    gateway.roaming = settings.roaming;
    if (!settings.connectionless_user.empty()) gateway.connectionless_client_id = "mqttsn-connectionless-" + listener;
    gateway.connectionless_per_second = settings.connectionless_per_second;
    gateway.endpoint.packet_bytes_max = settings.packet_bytes_max_of(is_serial);
    gateway.endpoint.retry_interval = settings.retry_interval_of(is_serial);
    gateway.endpoint.retries_max = settings.retries_max;
    gateway.endpoint.topics_max = settings.topics_max;
    gateway.endpoint.session_expiry_s = settings.session_expiry_s;
    // A copy of CONNECT may come late over UDP. On a line a second CONNECT is always a device that has started again.
    gateway.endpoint.link_reorders = !is_serial;
    return gateway;
}

/// Devices refuse counters that they have seen. A gateway that has lost its file of counters begins with this number,
/// which is behind all former counters as long as a device got less than one packet per second on average. Read from
/// the wall clock; 0 while that shows an earlier year.
std::uint32_t seconds_since_2020() {
    constexpr std::chrono::sys_days begin = std::chrono::year(2020) / 1 / 1;
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(runtime::read_wall_clock() - begin).count();
    return seconds > 0 && seconds < UINT32_MAX / 2 ? static_cast<std::uint32_t>(seconds) : 0;
}

}  // namespace

link::LinkOptions link_options(const config::Config& config, std::uint16_t index) {
    LEDGE_ASSERT(index < config.sockets.size());
    const config::ListenerSocket& socket = config.sockets[index];
    const config::Endpoint& endpoint = socket.endpoint;
    LEDGE_ASSERT(endpoint.is_for_devices());
    const bool is_serial = endpoint.kind == config::Endpoint::Kind::serial;
    link::LinkOptions link;
    link.name = config.shard.listeners[index].name;
    link.listener = index;
    if (is_serial)
        link.place = link::SerialLine{endpoint.path, endpoint.baud, endpoint.has_rtscts};
    else
        link.place = link::UdpAddress{endpoint.host, endpoint.port, false, socket.mqttsn.multicast};
    link.user = socket.user;
    link.connectionless_user = socket.mqttsn.connectionless_user;
    link.gateway = gateway_options(socket.mqttsn, link.name, is_serial);
    for (const auto& [id, topic] : socket.mqttsn.predefined_topics) link.predefined.add(id, topic);
    // [::] also accepts IPv4. Beside 0.0.0.0 on the same port it must not, or one of the two could not be bound.
    if (auto* const udp = std::get_if<link::UdpAddress>(&link.place); udp != nullptr && udp->host == "::") {
        for (const config::ListenerSocket& other : config.sockets)
            udp->is_ipv6_only |= other.endpoint.kind == config::Endpoint::Kind::udp &&
                                 other.endpoint.host == "0.0.0.0" && other.endpoint.port == udp->port;
    }
    return link;
}

void add_links(runtime::BrokerLoopOptions& options, const config::Loaded& loaded, const Log& log, std::uint64_t seed,
               link::Gateways*& gateways) {
    const config::Config& config = loaded.config;
    LEDGE_ASSERT(options.shard.listeners.size() >= config.shard.listeners.size());
    std::vector<link::LinkOptions> links;
    for (std::size_t i = 0; i < config.sockets.size(); ++i) {
        const config::ListenerSocket& socket = config.sockets[i];
        // Serial listeners with mode = "lines" are those of lines.cpp.
        if (!socket.endpoint.is_for_devices() || socket.mode != config::ListenerMode::mqttsn) continue;
        link::LinkOptions& link = links.emplace_back(link_options(config, static_cast<std::uint16_t>(i)));
        const auto devices = loaded.devices.find(link.name);
        if (devices == loaded.devices.end()) continue;
        link.devices = devices->second->table;
        link.counters_file = devices->second->counters_file;
        // Only listeners with a devices file can have devices with a key.
        link.gateway.envelope_first_counter = seconds_since_2020();
    }
    // Without devices nothing of the module link is constructed, and the loop has no part more.
    if (links.empty()) return;
    options.parts.push_back([links = std::move(links), &log, seed, &gateways](const runtime::LoopServices& services) {
        auto made = std::make_unique<link::Gateways>(links, services, log, seed);
        gateways = made.get();
        return made;
    });
}

}  // namespace ledge::daemon
