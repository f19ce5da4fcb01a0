#include "sys_topics.hpp"

#include <algorithm>
#include <cstdio>

namespace ledge::broker {

void SysTopics::publish(const Metrics& metrics, Instant now) {
    next_value_ = 0;
    set("version", version_, now);
    set("uptime", std::to_string(std::chrono::duration_cast<std::chrono::seconds>(now - start_).count()) + " seconds",
        now);
    publish_counters(metrics, now);
    publish_memory(metrics, now);
    publish_store(metrics, now);
    publish_load(metrics.counters, now);
    last_ = now;
    is_first_ = false;
}

void SysTopics::publish_counters(const Metrics& metrics, Instant now) {
    const session::Counters& counters = metrics.counters;
    const std::uint64_t offline = metrics.sessions - metrics.clients_connected;
    set("clients/connected", metrics.clients_connected, now);
    set("clients/disconnected", offline, now);
    set("clients/active", metrics.clients_connected, now);  // deprecated names that dashboards still read
    set("clients/inactive", offline, now);
    set("clients/total", metrics.sessions, now);
    set("clients/maximum", metrics.clients_connected_max, now);
    set("clients/expired", counters.sessions_expired, now);
    set("clients/refused", counters.connections_refused, now);
    set("clients/throttled", counters.clients_throttled, now);
    set("users/throttled", counters.users_throttled, now);
    set("clients/paused", metrics.connections_paused, now);
    set("connections/gave_way", counters.connections_gave_way, now);
    set("connections/accept_pauses", counters.accept_pauses, now);
    set("policy/taken", counters.policies_taken, now);
    set("policy/refused", counters.policies_refused, now);
    set("messages/received", counters.packets_received, now);
    set("messages/sent", counters.packets_sent, now);
    set("publish/messages/received", counters.publish_received, now);
    set("publish/messages/sent", counters.publish_sent, now);
    set("publish/messages/dropped", counters.dropped(), now);
    for (const session::DropCounter& part : session::drop_counters)
        set("publish/messages/dropped/" + std::string(part.reason), counters.*part.count, now);
    set("publish/messages/refused", counters.refused_quota + counters.refused_share, now);
    set("publish/bytes/received", counters.publish_bytes_received, now);
    set("publish/bytes/sent", counters.publish_bytes_sent, now);
    set("bytes/received", counters.bytes_received, now);
    set("bytes/sent", counters.bytes_sent, now);
    set("subscriptions/count", metrics.subscriptions, now);
    set("shared_subscriptions/count", metrics.shared_subscriptions, now);
    set("retained messages/count", metrics.retained_messages, now);
    set("messages/stored", metrics.retained_messages + counters.queued_messages, now);  // deprecated, still scraped
    set("store/messages/count", metrics.retained_messages + counters.queued_messages, now);
    set("store/messages/bytes", metrics.retained_bytes + counters.queued_bytes, now);
}

void SysTopics::publish_memory(const Metrics& metrics, Instant now) {
    heap_max_ = std::max(heap_max_, metrics.memory_used);
    set("heap/current", metrics.memory_used, now);  // Mosquitto's name for what its clients see of its memory
    set("heap/maximum", heap_max_, now);
    set("memory/pressure", name_of(metrics.memory_pressure), now);
    set("memory/used", metrics.memory_used, now);
    set("memory/budget", metrics.memory_budget, now);
    set("clients/refused/memory", metrics.counters.refused_memory, now);
    set("clients/disconnected/memory", metrics.counters.disconnected_memory, now);
    set("clients/gave_way/strangers", metrics.counters.strangers_gave_way, now);
    set("clients/gave_way/sessions", metrics.counters.sessions_gave_way, now);
}

void SysTopics::publish_store(const Metrics& metrics, Instant now) {
    const StoreFigures& store = metrics.store;
    set("store/state", store_state(metrics), now);
    set("store/beginning", name_of(store.beginning), now);
    set("store/waiting_s",
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(metrics.store_waited).count()),
        now);
    set("store/postponements", store.postponements, now);
    set("store/used_percent", static_cast<std::uint64_t>(store.used_fraction * 100), now);
    set("store/commits", store.commits, now);
    set("store/bad_rows", store.bad_rows, now);
    for (std::size_t i = 0; i < journal::write_classes; ++i)
        set("store/bytes/given/" + std::string(journal::write_class_names[i]), store.given[i], now);
    set("store/bytes/device", store.device_bytes, now);
    set("store/bytes/device/24h", store.device_bytes_day, now);
    set("store/records/cancelled", metrics.records_cancelled, now);
}

namespace {

/// e to the power of -x, x >= 0, to four digits: an average needs no more, and the mathematical library would cost the
/// process 0.3 MB of memory for this one call.
double decay(double x) {
    if (x >= 64) return 0;
    double result = 1 - x / (1 << 20);
    for (int i = 0; i < 20; ++i) result *= result;
    return result;
}

}  // namespace

void SysTopics::publish_load(const session::Counters& counters, Instant now) {
    const double minutes = std::chrono::duration<double, std::ratio<60>>(now - last_).count();
    static constexpr double spans[3] = {1, 5, 15};
    for (Load& load : loads_) {
        const std::uint64_t count = load.count(counters);
        const double rate = minutes > 0 ? static_cast<double>(count - load.last) / minutes : 0;
        load.last = count;
        for (std::size_t i = 0; i < 3; ++i) {
            const double kept = decay(minutes / spans[i]);
            load.averages[i] = load.averages[i] * kept + rate * (1 - kept);
            char value[32];
            std::snprintf(value, sizeof value, "%.2f", load.averages[i]);
            set("load/" + std::string(load.name) + "/" + std::to_string(static_cast<int>(spans[i])) + "min", value,
                now);
        }
    }
}

void SysTopics::set(std::string_view name, std::uint64_t value, Instant now) { set(name, std::to_string(value), now); }

void SysTopics::set(std::string_view name, std::string_view value, Instant now) {
    const std::size_t index = next_value_++;
    if (is_first_) values_.emplace_back();
    if (!is_first_ && values_[index] == value) return;
    values_[index] = value;
    const std::string topic = "$SYS/broker/" + std::string(name);
    router_.route_unacknowledged({topic, as_bytes(value), {}, never, wire::QoS::at_most_once, true}, nullptr, now);
}

}  // namespace ledge::broker
