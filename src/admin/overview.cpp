#include "overview.hpp"

#include <chrono>

#include "client_json.hpp"
#include "ledge/admin/part_figures.hpp"
#include "ledge/broker/inspect.hpp"
#include "ledge/broker/metrics.hpp"
#include "ledge/broker/shard.hpp"
#include "ledge/session/ending_log.hpp"
#include "site.hpp"

namespace ledge::admin {
namespace {

std::int64_t seconds_of(Duration time) { return std::chrono::duration_cast<std::chrono::seconds>(time).count(); }

double seconds_of_us(std::uint64_t microseconds) { return static_cast<double>(microseconds) / 1e6; }

void write_totals(JsonWriter& body, const session::Counters& counters) {
    body.begin_object("totals");
    body.number("publish_received", counters.publish_received);
    body.number("publish_sent", counters.publish_sent);
    body.number("bytes_received", counters.bytes_received);
    body.number("bytes_sent", counters.bytes_sent);
    body.number("publish_bytes_received", counters.publish_bytes_received);
    body.number("publish_bytes_sent", counters.publish_bytes_sent);
    body.number("connections_opened", counters.connections_opened);
    body.number("connections_refused", counters.connections_refused);
    body.number("dropped", counters.dropped());
    body.number("refused_not_allowed", counters.refused_not_allowed);
    body.end_object();
}

void write_amount(JsonWriter& body, std::string_view key, std::uint64_t messages, std::uint64_t bytes) {
    body.begin_object(key);
    body.number("messages", messages);
    body.number("bytes", bytes);
    body.end_object();
}

void write_listeners(JsonWriter& body, const PartFigures& figures, const Site& site) {
    const std::vector<ListenerPlace> places =
        site.operations.listeners ? site.operations.listeners() : std::vector<ListenerPlace>();
    body.begin_list("listeners");
    for (const ListenerAndTls& listener : figures.listeners) {
        body.begin_object();
        body.text("name", listener.name);
        for (const ListenerPlace& place : places) {
            if (place.name == listener.name) body.text("url", place.url);
        }
        body.number("connections", std::uint64_t{listener.connected} + listener.arriving);
        body.end_object();
    }
    body.end_list();
}

void write_bridges(JsonWriter& body, const PartFigures& figures) {
    body.begin_list("bridges");
    for (const uplink::BridgeFigures& bridge : figures.bridges) {
        body.begin_object();
        body.text("name", bridge.name);
        body.text("stage", uplink::name_of(bridge.stage));
        body.text("health", bridge.degraded.empty() ? "ok" : "degraded");
        body.boolean("paused", bridge.is_paused);
        body.number("queue_messages", std::uint64_t{bridge.queue_messages});
        if (bridge.queue.flow.time_to_full) body.number("time_to_full_s", seconds_of(*bridge.queue.flow.time_to_full));
        body.end_object();
    }
    body.end_list();
}

/// What the flash has to bear.
void write_wear(JsonWriter& body, const broker::StoreFigures& store) {
    body.number("bytes_written", store.device_bytes);
    body.number("written_per_day_bytes", store.device_bytes_day);
    body.number("daily_budget_bytes", store.daily_budget_bytes);
}

std::uint64_t newest_refusal(const broker::Shard& shard) {
    const auto list = shard.inspector().refusals();
    return list.empty() ? 0 : list.back()->number;
}

}  // namespace

void write_store(JsonWriter& body, const Site& site) {
    const broker::Metrics& metrics = site.shard().metrics();
    const broker::StoreFigures& store = metrics.store;
    body.text("state", broker::store_state(metrics));
    body.text("found", broker::name_of(store.start_state));
    body.text("path", site.operations.store_path);
    body.number("used_bytes", store.used_bytes);
    body.number("size_max_bytes", store.size_max_bytes);
    body.number("used_fraction", store.used_fraction);
    body.number("messages", metrics.counters.queued_messages + std::uint64_t{metrics.retained_messages});
    write_wear(body, store);
    body.number("commits", store.commits);
    body.begin_object("commit_latency");
    body.number("p50_s", seconds_of_us(store.commit_us.quantile(50)));
    body.number("p99_s", seconds_of_us(store.commit_us.quantile(99)));
    body.number("max_s", seconds_of_us(store.commit_us.max()));
    body.end_object();
    body.number("bad_rows", store.bad_rows);
    body.number("waiting_s", seconds_of(metrics.store_waited));
}

JsonWriter overview_of(Site& site, std::span<const broker::SessionFacts> slow) {
    const broker::Metrics& metrics = site.shard().metrics();
    const Duration uptime = site.uptime();
    const PartFigures figures = site.collector.collect(*site.loop, site.parts, uptime);
    const std::string_view store_state = broker::store_state(metrics);
    JsonWriter body;
    body.text("version", site.version);
    body.number("uptime_s", seconds_of(uptime));
    body.boolean("ready", store_state != "failed" && store_state != "postponed");
    write_listeners(body, figures, site);
    body.begin_object("clients");
    body.number("connected", std::uint64_t{metrics.clients_connected});
    body.number("sessions", std::uint64_t{metrics.sessions});
    body.number("subscriptions", std::uint64_t{metrics.subscriptions});
    body.end_object();
    write_totals(body, metrics.counters);
    write_amount(body, "queued", metrics.counters.queued_messages, metrics.counters.queued_bytes);
    write_amount(body, "retained", metrics.retained_messages, metrics.retained_bytes);
    body.begin_object("store");
    write_store(body, site);
    body.end_object();
    body.begin_object("memory");
    body.number("resident_bytes", figures.process ? figures.process->resident_bytes : 0);
    body.number("anonymous_bytes", figures.process ? figures.process->anonymous_bytes : 0);
    body.number("budget_bytes", metrics.memory_budget);
    body.end_object();
    write_bridges(body, figures);
    body.begin_list("slow");
    for (const broker::SessionFacts& client : slow) {
        body.begin_object();
        add_client(body, client);
        body.end_object();
    }
    body.end_list();
    body.begin_object("flash");
    write_wear(body, metrics.store);
    body.end_object();
    body.number("refusals_last", newest_refusal(site.shard()));
    return body;
}

}  // namespace ledge::admin
