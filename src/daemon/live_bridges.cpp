#include "live_bridges.hpp"

#include <memory>
#include <utility>
#include <vector>

#include "bridges.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/config/config.hpp"
#include "ledge/net/tls_client.hpp"
#include "ledge/runtime/broker_loop.hpp"
#include "ledge/session/inner_clients.hpp"
#include "ledge/uplink/bridge_plan.hpp"
#include "ledge/uplink/bridges.hpp"

namespace ledge::daemon {

/// Without queue.priority, the lane sends what may wait in its session: from an earlier configuration in the store, or
/// from a lane that this broker has had since its start.
bool LiveBridges::has_lane(const config::BridgeSettings& settings) const {
    const std::string lane = session::listener_of_bridge(session::priority_lane_of(settings.name));
    return !settings.queue.priority.empty() || has_store_ || listeners_.contains(lane);
}

/// How many listeners plan() would add.
std::size_t LiveBridges::missing_listeners(const config::BridgeSettings& settings) const {
    const auto is_missing = [this](const std::string& bridge) {
        return !listeners_.contains(session::listener_of_bridge(bridge));
    };
    const bool needs_lane = has_lane(settings) && is_missing(session::priority_lane_of(settings.name));
    return (is_missing(settings.name) ? 1U : 0U) + (needs_lane ? 1U : 0U);
}

/// `add_listener` returns the index of a new listener.
template <class AddListener>
uplink::BridgePlan LiveBridges::plan(const config::BridgeSettings& settings, AddListener&& add_listener) {
    uplink::BridgePlan plan;
    // A name keeps its listener for ever, because sessions and metrics refer to the index. So a bridge that changes, or
    // comes back, uses the listener that it had.
    const auto listener = [&](bool is_lane) {
        const broker::ListenerOptions& options =
            plan.listeners.emplace_back(inner_listener(settings, has_store_, is_lane));
        const auto known = listeners_.find(options.name);
        if (known != listeners_.end()) return known->second;
        return listeners_.emplace(options.name, add_listener(options)).first->second;
    };
    const bool needs_lane = has_lane(settings);
    plan.uplinks.push_back(uplink_options(settings, listener(false), machine_.text));
    if (needs_lane) plan.uplinks.push_back(priority_options(settings, plan.uplinks.front(), listener(true)));
    return plan;
}

void LiveBridges::add_to(runtime::BrokerLoopOptions& options, const config::Config& config, const Log& log,
                         std::uint64_t seed) {
    LEDGE_ASSERT(options.shard.listeners.size() == config.shard.listeners.size());
    // Kept for bridges that a reload adds: whether the broker has a store does not change while it runs.
    has_store_ = config.store.is_used();
    // One uplink for each connection; a bridge with a lane for priority has two.
    std::vector<uplink::UplinkOptions> uplinks;
    for (const config::BridgeSettings& settings : config.bridges) {
        uplink::BridgePlan planned = plan(settings, [&options](const broker::ListenerOptions& listener) {
            options.shard.listeners.push_back(listener);
            return static_cast<std::uint16_t>(options.shard.listeners.size() - 1);
        });
        for (uplink::UplinkOptions& one : planned.uplinks) uplinks.push_back(std::move(one));
        options.needs_tls_workers |= settings.uses_tls();
    }
    options.parts.push_back([this, uplinks = std::move(uplinks), &log, seed](const runtime::LoopServices& services) {
        auto made = std::make_unique<uplink::Bridges>(uplinks, services, log, seed);
        bridges_ = made.get();
        return made;
    });
}

Result<bool, Error> LiveBridges::put(const config::BridgeSettings& settings, runtime::BrokerLoop& loop) {
    LEDGE_ASSERT(bridges_ != nullptr);
    if (listeners_.size() + missing_listeners(settings) > listeners_max)
        return Failure{Error{{}, "the broker has seen too many names of bridges since its start"}};
    if (settings.uses_tls()) {
        // The bridge would only find out after it has left the upstream. Keys that only root may read were read at the
        // start: a bridge that has them goes on with its old values.
        const auto checked = net::check_tls_client(tls_client_options(settings.tls));
        if (!checked) return Failure{in_context("its TLS files have a mistake: {}", {}, checked.error().reason)};
        // A broker that has started without TLS has no threads for handshakes yet.
        const auto workers = loop.tls_workers();
        if (!workers) return Failure{workers.error()};
        bridges_->use_tls_workers(**workers);
    }
    bridges_->put(
        plan(settings, [&loop](const broker::ListenerOptions& listener) { return loop.add_inner_listener(listener); }),
        loop.now());
    return true;
}

void LiveBridges::remove(std::string_view name, runtime::BrokerLoop& loop) {
    LEDGE_ASSERT(bridges_ != nullptr);
    // Its listener stays (see plan()).
    bridges_->remove(name, loop.now());
}

}  // namespace ledge::daemon
