// The figures of bridges as the API and /healthz tell them. On the thread of the loop.
#pragma once

#include <vector>

#include "ledge/base/json.hpp"
#include "ledge/uplink/bridges.hpp"

namespace ledge::admin {

struct Site;

std::vector<uplink::BridgeFigures> figures_of_bridges(const Site& site);

/// Writes the members of one bridge into the open object.
void write_bridge(JsonWriter& body, const uplink::BridgeFigures& bridge);

}  // namespace ledge::admin
