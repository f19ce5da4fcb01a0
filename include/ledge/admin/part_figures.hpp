// PartFigures: what the metrics show beside the figures of the core: listeners with their TLS, the process, and the
// parts of the program that are clients of the broker. Plain values.
#pragma once

#include <optional>
#include <vector>

#include "ledge/broker/listener_figures.hpp"
#include "ledge/link/figures.hpp"
#include "ledge/link/line_figures.hpp"
#include "ledge/ota/figures.hpp"
#include "ledge/runtime/process_figures.hpp"
#include "ledge/transport/tls_counters.hpp"
#include "ledge/uplink/bridges.hpp"

namespace ledge::admin {

/// A listener of clients with sockets.
struct ListenerAndTls : broker::ListenerFigures {
    transport::TlsCounters tls = {};  // all 0 without TLS
};

/// A part that does not exist has no figures, and no rows among the metrics.
struct PartFigures {
    std::vector<ListenerAndTls> listeners = {};
    std::optional<runtime::ProcessFigures> process = {};
    std::vector<uplink::BridgeFigures> bridges = {};
    std::vector<link::LinkFigures> links = {};
    std::vector<link::LineFigures> lines = {};
    std::optional<ota::OtaFigures> ota = {};
};

}  // namespace ledge::admin
