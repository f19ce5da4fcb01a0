#include "ledge/admin/metrics_text.hpp"

#include "ledge/admin/part_figures.hpp"
#include "ledge/auth/wall_time.hpp"
#include "ledge/link/figures.hpp"
#include "ledge/link/line_figures.hpp"
#include "ledge/uplink/bridges.hpp"
#include "metrics_collector.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <numeric>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

using namespace ledge;
using namespace ledge::admin;

namespace {

constexpr transport::TlsCounters tls{.full = 51, .resumed = 52, .failed = 53, .refused = 54};

bool has_line(const std::string& text, const std::string& line) {
    return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

constexpr std::size_t counter_count = sizeof(session::Counters) / sizeof(std::uint64_t);

/// Every counter with a value of its own, from 1001 on, so that no two can be mistaken for each other.
session::Counters distinct_counters() {
    std::array<std::uint64_t, counter_count> values{};
    std::iota(values.begin(), values.end(), 1001);
    return std::bit_cast<session::Counters>(values);
}

// Dashboards and alerts read these names, types and labels. A sample may come; none may go.
constexpr std::string_view known_samples[] = {"gauge build_info{version=1}",
                                              "gauge uptime_seconds",
                                              "counter connections_opened_total",
                                              "counter connects_received_total",
                                              "counter connections_refused_total",
                                              "counter connections_gave_way_total",
                                              "counter clients_throttled_total",
                                              "counter users_throttled_total",
                                              "counter read_pauses_total",
                                              "counter accept_pauses_total",
                                              "gauge connections_paused",
                                              "gauge traces",
                                              "counter login_failures_total",
                                              "counter subscribe_steps_total",
                                              "counter protocol_errors_total",
                                              "counter keep_alive_timeouts_total",
                                              "counter takeovers_total",
                                              "counter takeovers_delayed_total",
                                              "counter sessions_expired_total",
                                              "counter policy_reloads_total{outcome=taken}",
                                              "counter policy_reloads_total{outcome=refused}",
                                              "gauge connections",
                                              "gauge clients_connected",
                                              "gauge clients_connected_max",
                                              "gauge sessions",
                                              "gauge sessions_by_queue{messages=0}",
                                              "gauge sessions_by_queue{messages=1_9}",
                                              "gauge sessions_by_queue{messages=10_99}",
                                              "gauge sessions_by_queue{messages=100_999}",
                                              "gauge sessions_by_queue{messages=1000_9999}",
                                              "gauge sessions_by_queue{messages=10000_99999}",
                                              "gauge sessions_by_queue{messages=100000_or_more}",
                                              "gauge session_queue_messages{client_id=dave}",
                                              "counter session_dropped_messages_total{client_id=erin}",
                                              "gauge subscriptions",
                                              "gauge shared_subscriptions",
                                              "counter tls_handshakes_total{result=full}",
                                              "counter tls_handshakes_total{result=resumed}",
                                              "counter tls_handshakes_total{result=failed}",
                                              "counter tls_handshakes_total{result=refused}",
                                              "counter received_bytes_total",
                                              "counter sent_bytes_total",
                                              "counter packets_received_total",
                                              "counter packets_sent_total",
                                              "counter publish_received_total",
                                              "counter publish_sent_total",
                                              "counter publish_payload_received_bytes_total",
                                              "counter publish_payload_sent_bytes_total",
                                              "counter wills_published_total",
                                              "counter publications_dropped_total{reason=slow_reader}",
                                              "counter publications_dropped_total{reason=memory}",
                                              "counter publications_dropped_total{reason=queue_full}",
                                              "counter publications_dropped_total{reason=too_large}",
                                              "counter publications_dropped_total{reason=expired}",
                                              "counter publications_dropped_total{reason=replaced}",
                                              "counter publications_dropped_total{reason=not_allowed}",
                                              "counter publications_dropped_total{reason=session_ended}",
                                              "counter publications_dropped_total{reason=unreadable}",
                                              "counter publications_dropped_total{reason=cleared}",
                                              "counter last_value_unindexed_total",
                                              "counter publications_refused_total{reason=quota}",
                                              "counter publications_refused_total{reason=owner_share}",
                                              "counter publications_refused_total{reason=retained_full}",
                                              "counter not_allowed_total",
                                              "gauge queued_messages",
                                              "gauge queued_bytes",
                                              "gauge retained_messages",
                                              "gauge retained_bytes",
                                              "gauge memory_used_bytes",
                                              "gauge memory_budget_bytes",
                                              "gauge memory_by_kind_bytes{kind=connections}",
                                              "gauge memory_by_kind_bytes{kind=input}",
                                              "gauge memory_by_kind_bytes{kind=outboxes}",
                                              "gauge memory_by_kind_bytes{kind=sessions}",
                                              "gauge memory_by_kind_bytes{kind=subscriptions}",
                                              "gauge memory_by_kind_bytes{kind=queues}",
                                              "gauge memory_by_kind_bytes{kind=messages}",
                                              "gauge memory_by_kind_bytes{kind=elsewhere}",
                                              "gauge memory_pressure",
                                              "counter clients_refused_memory_total",
                                              "counter clients_disconnected_memory_total",
                                              "counter strangers_gave_way_total",
                                              "counter sessions_gave_way_total",
                                              "gauge store_enabled",
                                              "gauge store_unusable",
                                              "gauge store_failed",
                                              "gauge store_full",
                                              "gauge store_postponed",
                                              "counter store_postponements_total",
                                              "gauge store_waiting_seconds",
                                              "gauge store_lost",
                                              "gauge store_salvaged",
                                              "gauge store_used_bytes",
                                              "gauge store_size_max_bytes",
                                              "gauge store_used_ratio",
                                              "counter store_commits_total",
                                              "histogram store_commit_duration_seconds_count",
                                              "histogram store_commit_records_count",
                                              "counter store_given_bytes_total{class=sessions}",
                                              "counter store_given_bytes_total{class=queues}",
                                              "counter store_given_bytes_total{class=messages}",
                                              "counter store_given_bytes_total{class=retained}",
                                              "counter store_device_bytes_total",
                                              "gauge store_device_last_day_bytes",
                                              "gauge store_daily_budget_bytes",
                                              "counter store_bad_rows_total",
                                              "counter store_records_cancelled_total",
                                              "gauge owner_table_bytes{owner=alice}",
                                              "gauge owner_stored_bytes{owner=bob}",
                                              "counter owner_written_bytes_total{owner=carol}"};

/// "counter policy_reloads_total{outcome=taken}" for each sample of the page; a histogram only by its count.
std::vector<std::string> samples_of(const std::string& text) {
    std::istringstream lines(text);
    std::vector<std::string> samples;
    std::string type;
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("# TYPE ")) type = line.substr(line.rfind(' ') + 1);
        if (line.starts_with("#")) continue;
        if (type == "histogram" && line.find("_count ") == line.npos) continue;
        REQUIRE(line.starts_with("ledgemq_"));
        std::string name = line.substr(8, line.rfind(' ') - 8);
        std::erase(name, '"');
        samples.push_back(type + " " + name);
    }
    return samples;
}

}  // namespace

TEST_CASE("the page has the samples that dashboards know, in their order") {
    broker::Metrics metrics;
    metrics.store.is_used = true;
    metrics.owners_by_table_bytes = {{"alice", 1}};
    metrics.owners_by_stored_bytes = {{"bob", 2}};
    metrics.owners_by_written_bytes = {{"carol", 3}};
    metrics.queues.is_known = true;
    metrics.queues.longest = {{"dave", 4}};
    metrics.queues.losses = {{"erin", 5}};
    const std::vector<std::string> samples = samples_of(metrics_text(metrics, tls, {}, "1", 0s));
    CHECK(std::ranges::equal(samples, known_samples));
    for (const std::string_view known : known_samples) {
        CAPTURE(known);
        CHECK(std::ranges::find(samples, known) != samples.end());
    }
}

TEST_CASE("every counter is told, once") {
    broker::Metrics metrics;
    metrics.counters = distinct_counters();
    const std::string text = metrics_text(metrics, tls, {}, "1.2.3", 90s);
    for (std::uint64_t value = 1001; value < 1001 + counter_count; ++value) {
        const std::string ending = " " + std::to_string(value) + "\n";
        INFO(value);
        const std::size_t found = text.find(ending);
        REQUIRE(found != std::string::npos);
        CHECK(text.find(ending, found + 1) == std::string::npos);
    }
    CHECK(has_line(text, "ledgemq_received_bytes_total 1001"));
    CHECK(has_line(text, "ledgemq_publications_dropped_total{reason=\"queue_full\"} " +
                             std::to_string(metrics.counters.dropped_queue_full)));
    CHECK(has_line(text, "ledgemq_build_info{version=\"1.2.3\"} 1"));
    CHECK(has_line(text, "ledgemq_uptime_seconds 90"));
    CHECK(has_line(text, "ledgemq_tls_handshakes_total{result=\"full\"} 51"));
    CHECK(has_line(text, "ledgemq_tls_handshakes_total{result=\"resumed\"} 52"));
    CHECK(has_line(text, "ledgemq_tls_handshakes_total{result=\"failed\"} 53"));
    CHECK(has_line(text, "ledgemq_tls_handshakes_total{result=\"refused\"} 54"));
    CHECK(has_line(text, "ledgemq_store_enabled 0"));
    CHECK(text.find("store_commits") == std::string::npos);
}

TEST_CASE("a store tells its state and its cost") {
    broker::Metrics metrics;
    metrics.is_store_failed = true;
    metrics.records_cancelled = 5;
    metrics.store.is_used = true;
    metrics.store.commits = 7;
    metrics.store.given = {11, 12, 13, 14};
    metrics.store.device_bytes = 4096;
    metrics.store.bad_rows = 3;
    metrics.store.used_bytes = 3 << 20;
    metrics.store.size_max_bytes = 12 << 20;
    metrics.store.used_fraction = 0.25;
    metrics.store.device_bytes_day = 2048;
    metrics.store.daily_budget_bytes = 1'000'000;
    const std::string text = metrics_text(metrics, tls, {}, "1", 0s);
    CHECK(has_line(text, "ledgemq_store_enabled 1"));
    CHECK(has_line(text, "ledgemq_store_failed 1"));
    CHECK(has_line(text, "ledgemq_store_full 0"));
    CHECK(has_line(text, "ledgemq_store_commits_total 7"));
    CHECK(has_line(text, "ledgemq_store_given_bytes_total{class=\"messages\"} 13"));
    CHECK(has_line(text, "ledgemq_store_device_bytes_total 4096"));
    CHECK(has_line(text, "ledgemq_store_bad_rows_total 3"));
    CHECK(has_line(text, "ledgemq_store_records_cancelled_total 5"));
    CHECK(has_line(text, "ledgemq_store_used_bytes 3145728"));
    CHECK(has_line(text, "ledgemq_store_size_max_bytes 12582912"));
    CHECK(has_line(text, "ledgemq_store_used_ratio 0.2500"));
    CHECK(has_line(text, "ledgemq_store_device_last_day_bytes 2048"));
    CHECK(has_line(text, "ledgemq_store_daily_budget_bytes 1000000"));
}

TEST_CASE("a histogram has cumulative buckets, a sum and a count, in its unit") {
    broker::Metrics metrics;
    metrics.store.is_used = true;
    for (const std::uint64_t microseconds : {100U, 128U, 129U, 5'000U, 200'000'000U})
        metrics.store.commit_us.note(microseconds);
    metrics.store.commit_records.note(3);
    const std::string text = metrics_text(metrics, tls, {}, "1", 0s);
    const std::string name = "ledgemq_store_commit_duration_seconds";
    CHECK(has_line(text, "# TYPE " + name + " histogram"));
    CHECK(has_line(text, name + "_bucket{le=\"0.000128\"} 2"));
    CHECK(has_line(text, name + "_bucket{le=\"0.000256\"} 3"));
    CHECK(has_line(text, name + "_bucket{le=\"0.004096\"} 3"));
    CHECK(has_line(text, name + "_bucket{le=\"0.008192\"} 4"));
    CHECK(has_line(text, name + "_bucket{le=\"67.108864\"} 4"));
    CHECK(has_line(text, name + "_bucket{le=\"+Inf\"} 5"));
    CHECK(has_line(text, name + "_sum 200.005357"));
    CHECK(has_line(text, name + "_count 5"));
    CHECK(has_line(text, "ledgemq_store_commit_records_bucket{le=\"2\"} 0"));
    CHECK(has_line(text, "ledgemq_store_commit_records_bucket{le=\"4\"} 1"));
    CHECK(has_line(text, "ledgemq_store_commit_records_sum 3"));
}

TEST_CASE("each kind of memory has its own sample") {
    broker::Metrics metrics;
    metrics.memory_by_kind = {1, 2, 3, 4, 5, 6, 7, 8};
    const std::string text = metrics_text(metrics, tls, {}, "1", 0s);
    for (std::size_t i = 0; i < session::memory_kinds; ++i) {
        const std::string kind(name_of(static_cast<session::MemoryKind>(i)));
        CHECK(has_line(text, "ledgemq_memory_by_kind_bytes{kind=\"" + kind + "\"} " + std::to_string(i + 1)));
    }
}

TEST_CASE("the lengths of queues are told once a survey is complete, and only ten clients by name") {
    broker::Metrics metrics;
    CHECK(metrics_text(metrics, tls, {}, "1", 0s).find("sessions_by_queue") == std::string::npos);
    metrics.queues = {true, {11, 12, 13, 14, 15, 16, 17}, {{"a \"client\"", 20}}, {{"b", 21}}};
    const std::string text = metrics_text(metrics, tls, {}, "1", 0s);
    CHECK(has_line(text, "ledgemq_sessions_by_queue{messages=\"0\"} 11"));
    CHECK(has_line(text, "ledgemq_sessions_by_queue{messages=\"1_9\"} 12"));
    CHECK(has_line(text, "ledgemq_sessions_by_queue{messages=\"10_99\"} 13"));
    CHECK(has_line(text, "ledgemq_sessions_by_queue{messages=\"100_999\"} 14"));
    CHECK(has_line(text, "ledgemq_sessions_by_queue{messages=\"1000_9999\"} 15"));
    CHECK(has_line(text, "ledgemq_sessions_by_queue{messages=\"10000_99999\"} 16"));
    CHECK(has_line(text, "ledgemq_sessions_by_queue{messages=\"100000_or_more\"} 17"));
    CHECK(has_line(text, "ledgemq_session_queue_messages{client_id=\"a \\\"client\\\"\"} 20"));
    CHECK(has_line(text, "ledgemq_session_dropped_messages_total{client_id=\"b\"} 21"));
}

TEST_CASE("each listener has its own samples") {
    ListenerAndTls mqtt;
    mqtt.name = "mqtt";
    mqtt.arriving = 1;
    mqtt.connected = 2;
    mqtt.connections_max = 3;
    mqtt.counters = {.accepted = 4,
                     .refused_login = 5,
                     .refused_room = 6,
                     .refused_protocol = 7,
                     .bytes_received = 8,
                     .bytes_sent = 9};
    ListenerAndTls mqtts;
    mqtts.name = "mqtts";
    mqtts.tls = {.full = 11, .resumed = 12, .failed = 13, .refused = 14};
    const std::string text = metrics_text({}, tls, {.listeners = {mqtt, mqtts}}, "1", 0s);
    CHECK(has_line(text, "ledgemq_listener_connections{listener=\"mqtt\",stage=\"client\"} 2"));
    CHECK(has_line(text, "ledgemq_listener_connections{listener=\"mqtt\",stage=\"arriving\"} 1"));
    CHECK(has_line(text, "ledgemq_listener_connections_max{listener=\"mqtt\"} 3"));
    CHECK(has_line(text, "ledgemq_listener_accepted_total{listener=\"mqtt\"} 4"));
    CHECK(has_line(text, "ledgemq_listener_refused_total{listener=\"mqtt\",reason=\"login\"} 5"));
    CHECK(has_line(text, "ledgemq_listener_refused_total{listener=\"mqtt\",reason=\"room\"} 6"));
    CHECK(has_line(text, "ledgemq_listener_refused_total{listener=\"mqtt\",reason=\"protocol\"} 7"));
    CHECK(has_line(text, "ledgemq_listener_received_bytes_total{listener=\"mqtt\"} 8"));
    CHECK(has_line(text, "ledgemq_listener_sent_bytes_total{listener=\"mqtt\"} 9"));
    CHECK(has_line(text, "ledgemq_listener_tls_handshakes_total{listener=\"mqtts\",result=\"full\"} 11"));
    CHECK(has_line(text, "ledgemq_listener_tls_handshakes_total{listener=\"mqtts\",result=\"resumed\"} 12"));
    CHECK(has_line(text, "ledgemq_listener_tls_handshakes_total{listener=\"mqtts\",result=\"failed\"} 13"));
    CHECK(has_line(text, "ledgemq_listener_tls_handshakes_total{listener=\"mqtts\",result=\"refused\"} 14"));
    CHECK(has_line(text, "ledgemq_listener_tls_handshakes_total{listener=\"mqtt\",result=\"full\"} 0"));
}

TEST_CASE("the process has the names that Prometheus gives them, and no figure that the system does not tell") {
    runtime::ProcessFigures process;
    process.virtual_bytes = 1;
    process.resident_bytes = 2;
    process.anonymous_bytes = 3;
    process.cpu_us = 4'000'005;
    process.descriptors_max = 6;
    const std::string text = metrics_text({}, tls, {.process = process}, "1", 0s);
    CHECK(has_line(text, "# TYPE process_cpu_seconds_total counter"));
    CHECK(has_line(text, "process_cpu_seconds_total 4.000005"));
    CHECK(has_line(text, "process_virtual_memory_bytes 1"));
    CHECK(has_line(text, "process_resident_memory_bytes 2"));
    CHECK(has_line(text, "ledgemq_memory_anonymous_bytes 3"));
    CHECK(has_line(text, "process_max_fds 6"));
    CHECK(text.find("process_open_fds") == text.npos);
    CHECK(text.find("process_start_time_seconds") == text.npos);
    process.open_descriptors = 7;
    process.started_s = 1'800'000'000;
    const std::string more = metrics_text({}, tls, {.process = process}, "1", 0s);
    CHECK(has_line(more, "process_open_fds 7"));
    CHECK(has_line(more, "process_start_time_seconds 1800000000"));
}

TEST_CASE("the start is told when the clock was set, and small corrections do not move it") {
    MetricsCollector collector;
    const auto never_set = auth::earliest_plausible_time - 1s;
    CHECK_FALSE(collector.started(never_set, 10s));
    const auto noon = auth::earliest_plausible_time + 24h;
    CHECK(collector.started(noon, 60s) == noon - 60s);
    CHECK(collector.started(noon + 10s, 68s) == noon - 60s);        // 2 s of correction
    CHECK(collector.started(noon + 1h, 120s) == noon + 1h - 120s);  // the clock was set anew
    CHECK(collector.started(never_set, 130s) == noon + 1h - 120s);
}

TEST_CASE("each family has HELP and TYPE once, before its samples; counters end in _total") {
    broker::Metrics metrics;
    metrics.store.is_used = true;
    std::istringstream lines(metrics_text(metrics, tls, {}, "1", 0s));
    std::set<std::string> families;
    std::string family;
    bool is_histogram = false;
    for (std::string line; std::getline(lines, line);) {
        INFO(line);
        std::istringstream words(line);
        std::string mark, kind, name, type;
        words >> mark >> kind >> name >> type;
        if (mark != "#") {
            const std::string sample = line.substr(0, line.find_first_of("{ "));
            const bool is_part =
                sample == family + "_bucket" || sample == family + "_sum" || sample == family + "_count";
            CHECK((sample == family || (is_histogram && is_part)));
        } else if (kind == "HELP") {
            CHECK(families.insert(name).second);
            CHECK(line.ends_with('.'));
            family = name;
        } else {
            CHECK(name == family);
            is_histogram = type == "histogram";
            CHECK((type == "counter") == name.ends_with("_total"));
        }
    }
    CHECK(families.size() > 30);
}

TEST_CASE("the largest owners are told by name, whatever is in it; a family without any is left out") {
    broker::Metrics metrics;
    metrics.store.is_used = true;
    metrics.owners_by_table_bytes = {{"alice", 5}, {"a \"b\"\\c\nd", 4}};
    const std::string text = metrics_text(metrics, tls, {}, "1", 0s);
    CHECK(has_line(text, "ledgemq_owner_table_bytes{owner=\"alice\"} 5"));
    CHECK(has_line(text, "ledgemq_owner_table_bytes{owner=\"a \\\"b\\\"\\\\c\\nd\"} 4"));
    CHECK(text.find("owner_stored_bytes") == std::string::npos);
    metrics.owners_by_written_bytes = {{"192.0.2.7", 7}};
    CHECK(
        has_line(metrics_text(metrics, tls, {}, "1", 0s), "ledgemq_owner_written_bytes_total{owner=\"192.0.2.7\"} 7"));
}

TEST_CASE("the figures of firmware images are there when the broker serves images, and only then") {
    CHECK(metrics_text({}, tls, {}, "1", 0s).find("ledgemq_ota_") == std::string::npos);
    const ota::OtaFigures figures{.images = 1, .blocks = 2, .bytes = 3, .refused = 4, .waiting = 5};
    const std::string text = metrics_text({}, tls, {.ota = figures}, "1", 0s);
    CHECK(has_line(text, "# TYPE ledgemq_ota_images gauge"));
    CHECK(has_line(text, "ledgemq_ota_images 1"));
    CHECK(has_line(text, "ledgemq_ota_blocks_total 2"));
    CHECK(has_line(text, "ledgemq_ota_bytes_total 3"));
    CHECK(has_line(text, "ledgemq_ota_requests_refused_total 4"));
    CHECK(has_line(text, "ledgemq_ota_requests_waiting 5"));
}

TEST_CASE("each bridge has a sample of each row, and a figure that is not defined has none") {
    std::vector<uplink::BridgeFigures> bridges(2);
    bridges[0].name = "cloud";
    bridges[1].name = "office";
    CHECK(metrics_text({}, tls, {.bridges = bridges}, "1", 0s).find("time_to_full") == std::string::npos);
    bridges[0].queue.flow.arrival_messages_per_s = 12.5;
    bridges[1].queue.flow.time_to_full = 90'500ms;
    bridges[1].round_trip_mean = 2300us;
    bridges[1].connected = 61s;
    bridges[1].queue.losses.queue_full = 7;
    bridges[1].queue.losses.slow_reader = 2;
    bridges[1].messages.dropped_slow = 3;
    bridges[1].messages.refused_by_code[bridge::refusal_index(wire::ReasonCode::not_authorized)] = 4;
    const std::string text = metrics_text({}, tls, {.bridges = bridges}, "1", 0s);
    CHECK(has_line(text, "ledgemq_bridge_arrival_messages_per_second{bridge=\"cloud\"} 12.500"));
    CHECK(has_line(text, "ledgemq_bridge_arrival_messages_per_second{bridge=\"office\"} 0.000"));
    CHECK(has_line(text, "ledgemq_bridge_queue_time_to_full_seconds{bridge=\"office\"} 90"));
    CHECK(text.find("time_to_full_seconds{bridge=\"cloud\"}") == std::string::npos);
    CHECK(has_line(text, "ledgemq_bridge_round_trip_mean_seconds{bridge=\"office\"} 0.002300"));
    CHECK(has_line(text, "ledgemq_bridge_connected_seconds{bridge=\"office\"} 61"));
    const auto dropped = [](std::string_view bridge, std::string_view reason, int count) {
        return "ledgemq_bridge_dropped_messages_total{bridge=\"" + std::string(bridge) + "\",reason=\"" +
               std::string(reason) + "\"} " + std::to_string(count);
    };
    CHECK(has_line(text, dropped("cloud", "queue_full", 0)));
    CHECK(has_line(text, dropped("office", "queue_full", 7)));
    CHECK(has_line(text, dropped("office", "slow_upstream", 5)));
    CHECK(has_line(text, dropped("office", "upstream_not_authorized", 4)));
    // One head for the family, whose samples follow each other.
    const std::string head = "# TYPE ledgemq_bridge_dropped_messages_total counter\n";
    CHECK(text.find(head) != std::string::npos);
    CHECK(text.find(head) == text.rfind(head));
    CHECK(text.find("ledgemq_{") == std::string::npos);  // a row without a name is a topic only
}
