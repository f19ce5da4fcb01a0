// Translates the listeners for MQTT-SN devices into the options of their gateways, and adds these to the loop.
#pragma once

#include <cstdint>

namespace ledge {
class Log;
}
namespace ledge::config {
struct Config;
struct Loaded;
}  // namespace ledge::config
namespace ledge::link {
class Gateways;
struct LinkOptions;
}  // namespace ledge::link
namespace ledge::runtime {
struct BrokerLoopOptions;
}

namespace ledge::daemon {

/// The options of the listener at `index` of the configuration, which is one for devices.
link::LinkOptions link_options(const config::Config& config, std::uint16_t index);

/// Adds one part of the loop that serves all listeners for devices; without such a listener nothing is added. When the
/// loop has made the part, `gateways` points to it. `log` and `gateways` must outlive the loop. Requires that the
/// listeners in `options` begin with those of the configuration.
void add_links(runtime::BrokerLoopOptions& options, const config::Loaded& loaded, const Log& log, std::uint64_t seed,
               link::Gateways*& gateways);

}  // namespace ledge::daemon
