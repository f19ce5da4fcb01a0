// PartFigures: what the parts of the program that are clients of the broker tell about themselves. Plain values.
#pragma once

#include <optional>
#include <vector>

#include "ledge/link/figures.hpp"
#include "ledge/link/line_figures.hpp"
#include "ledge/ota/figures.hpp"
#include "ledge/uplink/bridges.hpp"

namespace ledge::admin {

/// A part that does not exist has no figures, and no rows among the metrics.
struct PartFigures {
    std::vector<uplink::BridgeFigures> bridges = {};
    std::vector<link::LinkFigures> links = {};
    std::vector<link::LineFigures> lines = {};
    std::optional<ota::OtaFigures> ota = {};
};

}  // namespace ledge::admin
