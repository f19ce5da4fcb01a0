#include "ledge/admin/metrics_reference.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "ledge/broker/metric_table.hpp"

using namespace ledge;

namespace {

std::string reference(bool is_json) {
    std::string out;
    admin::print_metrics(is_json, out);
    return out;
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

constexpr std::ptrdiff_t tls_rows = 4;
constexpr std::ptrdiff_t listener_rows = 13;
constexpr std::ptrdiff_t process_rows = 7;
constexpr std::ptrdiff_t bridge_rows = 15 + 34;
constexpr std::ptrdiff_t link_rows = 27;
constexpr std::ptrdiff_t line_rows = 21;
constexpr std::ptrdiff_t ota_rows = 5;

}  // namespace

TEST_CASE("the reference has a paragraph for each row: names, type, unit, $SYS topics, meaning") {
    const std::string text = reference(false);
    CHECK(has(text, "\n\nledgemq_login_failures_total (counter)\n    The broker counts each login that fails"));
    CHECK(has(text,
              "\n\nledgemq_memory_used_bytes (gauge, bytes)\n"
              "    Topics: $SYS/broker/memory/used, $SYS/broker/heap/current\n    The value is"));
    CHECK(has(text,
              "    Averages per minute: $SYS/broker/load/sockets/1min, $SYS/broker/load/sockets/5min, "
              "$SYS/broker/load/sockets/15min\n"));
    CHECK(has(text, "\n\n$SYS/broker/store/state (gauge)\n    The word names the state of the store."));
    CHECK(has(text, "\n\nledgemq_ota_bytes_total (counter, bytes)\n    Topics: $SYS/broker/ota/bytes\n"));
    CHECK(has(text, "ledgemq_owner_table_bytes{owner=\"...\"} (gauge, bytes)\n"));
    CHECK(has(text,
              "\n\nledgemq_store_commit_duration_seconds (histogram, seconds)\n    The broker measures each commit"));
    CHECK(has(text, "\n\nprocess_open_fds (gauge)\n    The value is"));
}

TEST_CASE("each sample of a family has the help of the family and its own meaning") {
    const std::string text = reference(false);
    CHECK(has(text,
              "ledgemq_publications_dropped_total{reason=\"expired\"} (counter)\n"
              "    Topics: $SYS/broker/publish/messages/dropped/expired\n"
              "    The broker counts each publication that does not reach a session"));
    CHECK(has(text,
              "\n    The message waited in the queue until its Message Expiry Interval, or the age_max_s of a bridge's "
              "queue, had passed.\n\n"));
    CHECK(has(text, "ledgemq_tls_handshakes_total{result=\"refused\"} (counter)\n    The broker counts each TLS"));
}

TEST_CASE("the reference names both labels of a row, and a row without a name by its topic") {
    const std::string text = reference(false);
    CHECK(has(text,
              "ledgemq_bridge_dropped_messages_total{bridge=\"...\",reason=\"loop\"} (counter)\n"
              "    Topics: $SYS/broker/bridges/NAME/dropped/loop\n"));
    CHECK(has(text, "\n$SYS/broker/bridges/NAME/connections (counter)\n"));
    CHECK(has(text, "ledgemq_bridge_round_trip_mean_seconds{bridge=\"...\"} (gauge, seconds)\n"));
}

TEST_CASE("as JSON the reference has one object a line") {
    const std::string json = reference(true);
    CHECK(has(json, R"({"name":"ledgemq_sessions","type":"gauge","unit":"","topics":"$SYS/broker/clients/total",)"));
    CHECK(std::ranges::count(json, '\n') == static_cast<std::ptrdiff_t>(broker::metric_count()) + tls_rows +
                                                listener_rows + bridge_rows + link_rows + line_rows + ota_rows +
                                                process_rows);
}
