#include "ledge/broker/metric_table.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "ledge/session/pressure.hpp"

namespace ledge::broker {
namespace {

// Dashboards and scripts read these topics. A topic may come; none may go.
constexpr std::string_view topics_without_load[] = {"version",
                                                    "uptime",
                                                    "clients/connected",
                                                    "clients/disconnected",
                                                    "clients/active",
                                                    "clients/inactive",
                                                    "clients/total",
                                                    "clients/maximum",
                                                    "clients/expired",
                                                    "clients/refused",
                                                    "clients/throttled",
                                                    "users/throttled",
                                                    "clients/paused",
                                                    "connections/gave_way",
                                                    "connections/accept_pauses",
                                                    "policy/taken",
                                                    "policy/refused",
                                                    "messages/received",
                                                    "messages/sent",
                                                    "publish/messages/received",
                                                    "publish/messages/sent",
                                                    "publish/messages/dropped",
                                                    "publish/messages/dropped/slow_reader",
                                                    "publish/messages/dropped/memory",
                                                    "publish/messages/dropped/queue_full",
                                                    "publish/messages/dropped/too_large",
                                                    "publish/messages/dropped/expired",
                                                    "publish/messages/dropped/replaced",
                                                    "publish/messages/dropped/not_allowed",
                                                    "publish/messages/dropped/session_ended",
                                                    "publish/messages/dropped/unreadable",
                                                    "publish/messages/dropped/cleared",
                                                    "publish/messages/refused",
                                                    "publish/bytes/received",
                                                    "publish/bytes/sent",
                                                    "bytes/received",
                                                    "bytes/sent",
                                                    "subscriptions/count",
                                                    "shared_subscriptions/count",
                                                    "retained messages/count",
                                                    "messages/stored",
                                                    "store/messages/count",
                                                    "store/messages/bytes",
                                                    "heap/current",
                                                    "heap/maximum",
                                                    "memory/pressure",
                                                    "memory/used",
                                                    "memory/budget",
                                                    "clients/refused/memory",
                                                    "clients/disconnected/memory",
                                                    "clients/gave_way/strangers",
                                                    "clients/gave_way/sessions",
                                                    "store/state",
                                                    "store/beginning",
                                                    "store/waiting_s",
                                                    "store/postponements",
                                                    "store/used_percent",
                                                    "store/commits",
                                                    "store/bad_rows",
                                                    "store/bytes/given/sessions",
                                                    "store/bytes/given/queues",
                                                    "store/bytes/given/messages",
                                                    "store/bytes/given/retained",
                                                    "store/bytes/device",
                                                    "store/bytes/device/24h",
                                                    "store/bytes/used",
                                                    "store/bytes/max",
                                                    "store/records/cancelled"};
constexpr std::string_view topics_of_load[] = {"messages/received", "messages/sent",   "publish/received",
                                               "publish/sent",      "publish/dropped", "bytes/received",
                                               "bytes/sent",        "sockets",         "connections"};

std::vector<Metric> all_metrics() {
    std::vector<Metric> rows;
    for (std::size_t i = 0; i < metric_count(); ++i) rows.push_back(metric(i));
    return rows;
}

bool consists_of_sentences(std::string_view text) {
    return text.size() > 20 && text.front() >= 'A' && text.front() <= 'Z' && text.ends_with('.') &&
           text.find_first_of("\"\\\n") == std::string_view::npos;
}

bool is_label_value(std::string_view text) {
    return text.find_first_not_of("abcdefghijklmnopqrstuvwxyz_0123456789") == text.npos;
}
bool is_name(std::string_view text) { return text.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == text.npos; }

/// $SYS topics of a row, below $SYS/broker/.
std::vector<std::string> topics_of(const Metric& row) {
    std::vector<std::string> topics;
    for (const std::string_view topic : {row.topic, row.other_topic}) {
        if (!topic.empty()) topics.emplace_back(topic);
    }
    for (const LoadSpan& span : load_spans) {
        if (!row.load.empty()) topics.push_back("load/" + std::string(row.load) + std::string(span.topic_end));
    }
    return topics;
}

TEST_CASE("each row of the metric table is complete") {
    for (const Metric& row : all_metrics()) {
        CAPTURE(row.name);
        CAPTURE(row.topic);
        CHECK((row.read != nullptr));
        CHECK((!row.name.empty() || !row.topic.empty()));
        CHECK((row.other_topic.empty() || !row.topic.empty()));
        CHECK(is_name(row.name));
        CHECK(is_name(row.label));
        CHECK(row.group != MetricGroup::tls);  // the module admin has these
        CHECK((row.label_value.empty() || (!row.label.empty() && is_label_value(row.label_value))));
        if (!row.name.empty()) CHECK((row.type == MetricType::counter) == row.name.ends_with("_total"));
        CHECK((row.unit == "bytes") == (row.name.find("_bytes") != row.name.npos ||
                                        row.topic.find("bytes/device") == 6 || row.topic == "store/messages/bytes" ||
                                        row.topic == "heap/maximum"));
    }
}

TEST_CASE("the help of each family stands in its first row, and says what 0 means") {
    std::string_view family;
    for (const Metric& row : all_metrics()) {
        CAPTURE(row.name);
        CAPTURE(row.topic);
        const bool is_first = row.name.empty() || row.name != family;
        family = row.name;
        CHECK(row.help.empty() == !is_first);
        CHECK(row.sample.empty() == row.label_value.empty());
        if (!row.sample.empty()) CHECK(consists_of_sentences(row.sample));
        if (!is_first) continue;
        CHECK(consists_of_sentences(row.help));
        const bool is_number = row.read({Metrics{}, "", {}, 0}).word.empty() && row.name != "build_info";
        if (is_number) CHECK((row.help.find("0 means") != row.help.npos || row.help.find("with 0") != row.help.npos));
    }
}

TEST_CASE("no two samples have the same name and label, and the samples of a family stand together") {
    std::set<std::string> samples;
    std::set<std::string> families;
    std::string family;
    for (const Metric& row : all_metrics()) {
        if (row.name.empty()) continue;
        CAPTURE(row.name);
        CHECK(samples.emplace(std::string(row.name) + "{" + std::string(row.label_value)).second);
        if (family != row.name) CHECK(families.emplace(row.name).second);
        family = row.name;
    }
}

TEST_CASE("the rows stand in the order of their groups") {
    CHECK(std::ranges::is_sorted(all_metrics(), {}, &Metric::group));
}

TEST_CASE("the $SYS topics are those that dashboards know, each once") {
    std::set<std::string> topics;
    for (const Metric& row : all_metrics()) {
        for (const std::string& topic : topics_of(row)) {
            CAPTURE(topic);
            CHECK(topics.insert(topic).second);
        }
    }
    std::set<std::string> known;
    for (const std::string_view topic : topics_without_load) known.emplace(topic);
    for (const std::string_view load : topics_of_load) {
        for (const char* span : {"1min", "5min", "15min"}) known.insert("load/" + std::string(load) + "/" + span);
    }
    CHECK(known.size() == 95);
    CHECK(topics == known);
}

TEST_CASE("each reason for a dropped publication has a row") {
    Metrics metrics;
    std::uint64_t next = 1;
    for (std::uint64_t session::Counters::*const part : session::drop_counters) metrics.counters.*part = next *= 2;
    std::set<std::uint64_t> told;
    std::uint64_t sum = 0;
    for (const Metric& row : all_metrics()) {
        if (row.name != "publications_dropped_total") continue;
        const std::uint64_t value = row.read({metrics, "", {}, 0}).number;
        CHECK(told.insert(value).second);
        CHECK(row.topic == "publish/messages/dropped/" + std::string(row.label_value));
        sum += value;
    }
    CHECK(told.size() == session::drop_counters.size());
    CHECK(sum == metrics.counters.dropped());
}

TEST_CASE("a row reads a number, a word, or the owners") {
    Metrics metrics;
    metrics.memory_pressure = session::Pressure::new_clients;
    metrics.owners_by_table_bytes = {{"alice", 5}};
    metrics.store.is_used = true;
    metrics.store.used_fraction = 0.5;
    metrics.store_waited = 3500ms;
    const MetricSource source{metrics, "1.2.3", 90s, 77};
    const auto reading = [&](std::string_view name, std::string_view topic) {
        for (const Metric& row : all_metrics()) {
            if (row.name == name && row.topic == topic) return row.read(source);
        }
        FAIL(std::string(name));
        return Reading{};
    };
    CHECK(reading("build_info", "version").word == "1.2.3");
    CHECK(reading("uptime_seconds", "uptime").number == 90);
    CHECK(reading("memory_pressure", "memory/pressure").number == 2);
    CHECK(reading("memory_pressure", "memory/pressure").word == "new_clients");
    CHECK(reading("", "heap/maximum").number == 77);
    CHECK(reading("", "store/state").word == "ok");
    CHECK(reading("", "store/used_percent").number == 50);
    CHECK(reading("store_waiting_seconds", "store/waiting_s").number == 3);
    CHECK(reading("owner_table_bytes", "").owners == &metrics.owners_by_table_bytes);
}

}  // namespace
}  // namespace ledge::broker
