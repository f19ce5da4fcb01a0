// BridgePlan: how a bridge shall be, for a bridge that begins or changes while the broker runs. Plain values.
#pragma once

#include <vector>

#include "ledge/broker/options.hpp"
#include "ledge/uplink/options.hpp"

namespace ledge::uplink {

struct BridgePlan {
    std::vector<UplinkOptions> uplinks;  // the bridge, then its priority lane if it has one
    /// The options of their listeners, which the shard has already. They hold from the moment on at which the bridge
    /// begins with this plan.
    broker::Listeners listeners;
};

}  // namespace ledge::uplink
