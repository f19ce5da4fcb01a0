#include "bridge_facts.hpp"

#include "site.hpp"

namespace ledge::admin {

std::vector<uplink::BridgeFigures> figures_of_bridges(const Site& site) {
    if (site.parts.bridges == nullptr) return {};
    return site.parts.bridges->figures(site.now());
}

void write_bridge(JsonWriter& body, const uplink::BridgeFigures& bridge) {
    const auto seconds = [](Duration duration) {
        return std::int64_t{std::chrono::duration_cast<std::chrono::seconds>(duration).count()};
    };
    body.text("name", bridge.name);
    body.text("stage", uplink::name_of(bridge.stage));
    body.number("stage_s", seconds(bridge.in_stage));
    body.text("health", bridge.degraded.empty() ? "ok" : "degraded");
    body.text("health_reason", bridge.degraded);
    body.text("server", bridge.server);
    body.text("last_problem", bridge.last_problem);
    body.number("queue_messages", static_cast<std::int64_t>(bridge.queue_messages));
    body.number("oldest_unanswered_s", seconds(bridge.oldest_unanswered));
    body.number("connections", bridge.connections);
    if (bridge.connected) body.number("connected_s", seconds(*bridge.connected));
    body.number("queue_bytes", bridge.queue.now.bytes);
    body.number("queue_age_s", seconds(bridge.queue.age.age));
    body.boolean("queue_age_is_minimum", bridge.queue.age.is_minimum);
    if (bridge.queue.flow.time_to_full) body.number("time_to_full_s", seconds(*bridge.queue.flow.time_to_full));
    if (bridge.queue.flow.time_to_empty) body.number("time_to_empty_s", seconds(*bridge.queue.flow.time_to_empty));
}

}  // namespace ledge::admin
