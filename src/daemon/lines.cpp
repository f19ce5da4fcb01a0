#include "lines.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ledge/base/assert.hpp"
#include "ledge/base/log.hpp"
#include "ledge/config/config.hpp"
#include "ledge/link/line_listeners.hpp"
#include "ledge/runtime/broker_loop.hpp"
#include "ledge/session/inner_clients.hpp"

namespace ledge::daemon {
namespace {

std::string part_name(const std::string& listener) { return "lines/" + listener; }

/// No peer can connect to this listener: it stands for the client that speaks for the device. The limits of its queue
/// are those of [listeners.NAME.limits].
void make_inner(broker::ListenerOptions& listener) {
    listener.name = session::listener_of_part(part_name(listener.name));
    listener.connections_max = 4;  // the present connection, and earlier ones that are closing
    listener.arrivals_max = 4;
    listener.is_local = true;
    listener.limits.session_expiry_max_s = 0xFFFF'FFFF;
    // The section lines says what the client publishes, and its state is retained.
    listener.limits.maximum_qos = wire::QoS::exactly_once;
    listener.limits.retain_available = true;
}

}  // namespace

void add_lines(runtime::BrokerLoopOptions& options, const config::Config& config, const Log& log,
               const link::LineListeners*& lines) {
    LEDGE_ASSERT(options.shard.listeners.size() >= config.shard.listeners.size());
    std::vector<link::LineListenerOptions> listeners;
    for (std::size_t i = 0; i < config.sockets.size(); ++i) {
        const config::ListenerSocket& socket = config.sockets[i];
        if (socket.mode != config::ListenerMode::lines) continue;
        link::LineListenerOptions one;
        one.name = config.shard.listeners[i].name;
        one.listener = static_cast<std::uint16_t>(i);
        one.client_id = session::client_id_of_part(part_name(one.name));
        one.line = {socket.endpoint.path, socket.endpoint.baud, socket.endpoint.has_rtscts};
        one.lines = socket.lines;
        make_inner(options.shard.listeners[i]);
        listeners.push_back(std::move(one));
    }
    if (listeners.empty()) return;
    options.parts.push_back([listeners = std::move(listeners), &log, &lines](const runtime::LoopServices& services) {
        auto made = std::make_unique<link::LineListeners>(listeners, services, log);
        lines = made.get();
        return made;
    });
}

broker::Listeners with_line_parts(broker::Listeners listeners, const config::Config& config) {
    for (std::size_t i = 0; i < config.sockets.size(); ++i) {
        if (config.sockets[i].mode != config::ListenerMode::lines) continue;
        const auto found = std::ranges::find(listeners, config.shard.listeners[i].name, &broker::ListenerOptions::name);
        if (found != listeners.end()) make_inner(*found);
    }
    return listeners;
}

}  // namespace ledge::daemon
