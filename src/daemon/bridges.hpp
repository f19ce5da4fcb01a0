// Translates [bridges.NAME] of the configuration into the options of the uplinks and of their listeners.
#pragma once

#include <cstdint>
#include <string_view>

namespace ledge::config {
struct BridgeSettings;
struct BridgeTlsSettings;
struct Loaded;
}  // namespace ledge::config
namespace ledge::net {
struct TlsClientOptions;
}
namespace ledge::session {
struct ListenerOptions;
}
namespace ledge::uplink {
struct UplinkOptions;
}

namespace ledge::daemon {

struct MachineName;

/// The options of one uplink. `listener`: the index of the listener that stands for the bridge at the local broker.
/// `machine`: the name of this machine, for the default client id.
uplink::UplinkOptions uplink_options(const config::BridgeSettings& settings, std::uint16_t listener,
                                     std::string_view machine);

/// Checks the client ids of the bridges. Adds complaints, and notes about those that another machine may have too.
void check_bridge_client_ids(config::Loaded& loaded, const MachineName& machine);

/// The options of the priority lane of a bridge whose options are `bridge`. Without filters in queue.priority, the lane
/// only sends what waits in its session from an earlier configuration.
uplink::UplinkOptions priority_options(const config::BridgeSettings& settings, const uplink::UplinkOptions& bridge,
                                       std::uint16_t listener);

/// The options of the listener that stands for a bridge, or for its priority lane, at the local broker. No peer can
/// connect to it.
session::ListenerOptions inner_listener(const config::BridgeSettings& settings, bool has_store, bool is_lane);

/// What a bridge needs for TLS. A pre-shared key that cannot be read is left out; the configuration has complained.
net::TlsClientOptions tls_client_options(const config::BridgeTlsSettings& settings);

}  // namespace ledge::daemon
