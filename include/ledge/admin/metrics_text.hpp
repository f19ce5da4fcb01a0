// Writes the figures of a broker in the text format of Prometheus, version 0.0.4.
#pragma once

#include <string>
#include <string_view>

#include "ledge/base/time.hpp"
#include "ledge/broker/metrics.hpp"
#include "ledge/transport/tls_counters.hpp"

namespace ledge::admin {

inline constexpr std::string_view metrics_content_type = "text/plain; version=0.0.4; charset=utf-8";

struct PartFigures;

/// Names and units follow the rules of promtool: base units, names of counters end in _total, and each family has HELP
/// and TYPE once.
std::string metrics_text(const broker::Metrics& metrics, const transport::TlsCounters& tls, const PartFigures& parts,
                         std::string_view version, Duration uptime);

}  // namespace ledge::admin
