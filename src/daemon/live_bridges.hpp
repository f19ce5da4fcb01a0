// LiveBridges: the bridges of the running broker, from the start to the last reload. Owned by serve(); on the loop's
// thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "ledge/base/error.hpp"
#include "ledge/base/result.hpp"
#include "machine_name.hpp"

namespace ledge {
class Log;
}
namespace ledge::config {
struct BridgeSettings;
struct Config;
}  // namespace ledge::config
namespace ledge::runtime {
class BrokerLoop;
struct BrokerLoopOptions;
}  // namespace ledge::runtime
namespace ledge::uplink {
class Bridges;
struct BridgePlan;
}  // namespace ledge::uplink

namespace ledge::daemon {

class LiveBridges {
public:
    /// Of bridges and priority lanes, whose listeners stay until the end of the broker, also those of removed bridges.
    static constexpr std::size_t listeners_max = 4096;

    /// Adds a listener without an address for each bridge and each priority lane, and one part of the loop that runs
    /// all bridges, also if there is none yet. `log` and this object must outlive the loop. Requires that the listeners
    /// of the configuration are in `options` already. Call once.
    void add_to(runtime::BrokerLoopOptions& options, const config::Config& config, const Log& log, std::uint64_t seed);
    /// nullptr until the loop has made the part.
    uplink::Bridges* bridges() const { return bridges_; }

    /// Adds a bridge to the running broker, or changes the one of this name. The error says why nothing has changed.
    Result<bool, Error> put(const config::BridgeSettings& settings, runtime::BrokerLoop& loop);
    void remove(std::string_view name, runtime::BrokerLoop& loop);

private:
    template <class AddListener>
    uplink::BridgePlan plan(const config::BridgeSettings& settings, AddListener&& add_listener);
    bool has_lane(const config::BridgeSettings& settings) const;
    std::size_t missing_listeners(const config::BridgeSettings& settings) const;

    MachineName machine_ = machine_name();
    bool has_store_ = false;
    std::map<std::string, std::uint16_t, std::less<>> listeners_;  // name -> index in the shard
    uplink::Bridges* bridges_ = nullptr;
};

}  // namespace ledge::daemon
