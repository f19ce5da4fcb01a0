// Writes the figures of a broker in the text format of Prometheus, version 0.0.4.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/base/time.hpp"
#include "ledge/broker/metrics.hpp"
#include "ledge/link/figures.hpp"
#include "ledge/link/line_figures.hpp"
#include "ledge/ota/ota_server.hpp"
#include "ledge/transport/tls_counters.hpp"
#include "ledge/uplink/bridges.hpp"

namespace ledge::admin {

inline constexpr std::string_view metrics_content_type = "text/plain; version=0.0.4; charset=utf-8";

/// The figures of the parts of the program that are clients of the broker. A part that does not exist has no rows.
struct PartFigures {
    std::vector<uplink::BridgeFigures> bridges = {};
    std::vector<link::LinkFigures> links = {};
    std::vector<link::LineFigures> lines = {};
    std::optional<ota::OtaFigures> ota = {};
};

/// Names and units follow the rules of promtool: base units, names of counters end in _total, and each family has HELP
/// and TYPE once.
std::string metrics_text(const broker::Metrics& metrics, const transport::TlsCounters& tls, const PartFigures& parts,
                         std::string_view version, Duration uptime);

}  // namespace ledge::admin
