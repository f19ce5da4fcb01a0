#include "metrics_collector.hpp"

#include "ledge/admin/pages.hpp"
#include "ledge/admin/part_figures.hpp"
#include "ledge/auth/wall_time.hpp"
#include "ledge/broker/shard.hpp"
#include "ledge/link/gateways.hpp"
#include "ledge/link/line_listeners.hpp"
#include "ledge/ota/ota_server.hpp"
#include "ledge/runtime/broker_loop.hpp"
#include "ledge/runtime/clock.hpp"
#include "ledge/uplink/bridges.hpp"

namespace ledge::admin {

PartFigures MetricsCollector::collect(runtime::BrokerLoop& loop, const Parts& parts, Duration uptime) {
    loop.shard().survey_queues();
    PartFigures figures;
    std::uint16_t index = 0;
    for (broker::ListenerFigures& listener : loop.shard().listener_figures()) {
        const transport::TlsCounters tls = loop.tls_counters(index++);
        if (!listener.is_inner) figures.listeners.push_back({{std::move(listener)}, tls});
    }
    if (parts.bridges != nullptr) figures.bridges = parts.bridges->figures(loop.now());
    if (parts.gateways != nullptr) figures.links = parts.gateways->figures();
    if (parts.lines != nullptr) figures.lines = parts.lines->figures();
    if (parts.ota != nullptr) figures.ota = parts.ota->figures();
    figures.process = runtime::read_process_figures();
    const auto wall = std::chrono::floor<std::chrono::seconds>(runtime::read_wall_clock());
    if (const auto start = started(wall, uptime))
        figures.process->started_s = static_cast<std::uint64_t>(start->time_since_epoch().count());
    return figures;
}

std::optional<std::chrono::sys_seconds> MetricsCollector::started(std::chrono::sys_seconds wall, Duration uptime) {
    if (wall < auth::earliest_plausible_time) return started_;
    const std::chrono::sys_seconds start = wall - std::chrono::floor<std::chrono::seconds>(uptime);
    if (!started_ || start - *started_ > clock_slack || *started_ - start > clock_slack) started_ = start;
    return started_;
}

}  // namespace ledge::admin
