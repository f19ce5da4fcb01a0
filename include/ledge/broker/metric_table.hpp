// The table of all metrics of the core: one row for each sample of /metrics and each value below $SYS/broker. The $SYS
// topics, the page for Prometheus and the reference of `ledgemq metrics` are loops over this table, so a new metric is
// one new row in src/broker/metric_rows.hpp or src/broker/store_metric_rows.hpp.
//
// A family of Prometheus is a name with one or more samples, which differ in the value of their label. The rows of a
// family stand one after the other. The first row has the help sentence of the family; each row of a family with
// several samples says in `sample` what the sample counts.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/base/histogram.hpp"
#include "ledge/base/time.hpp"
#include "ledge/broker/metrics.hpp"

namespace ledge::broker {

enum class MetricType : std::uint8_t { counter, gauge, histogram };
constexpr std::string_view name_of(MetricType type) {
    switch (type) {
        case MetricType::counter: return "counter";
        case MetricType::gauge: return "gauge";
        case MetricType::histogram: break;
    }
    return "histogram";
}

/// What a metric is about. The groups stand in the order of the page for Prometheus; `tls`, `listeners`, `bridges`,
/// `mqttsn`, `lines`, `ota` and `system` have their rows elsewhere, because the core knows none of them.
enum class MetricGroup : std::uint8_t {
    process,
    clients,
    tls,
    listeners,
    traffic,
    losses,
    memory,
    store,
    owners,
    bridges,
    mqttsn,
    lines,
    ota,
    system,  // what the operating system tells about the process
};

/// What the rows are read from. The surface that shows the values fills in what Metrics does not have.
struct MetricSource {
    const Metrics& metrics;
    std::string_view version;           // in the form of the surface: "LedgeMQ 1.2.3" in $SYS, "1.2.3" for Prometheus
    Duration uptime{};                  // since the start of the broker
    std::uint64_t memory_used_max = 0;  // bytes: the largest metrics.memory_used that $SYS has published
};

/// What a row has at a moment.
struct Reading {
    std::uint64_t number = 0;
    // Not empty: $SYS publishes the word instead of the number. If the row has a label without a value, the word is the
    // label's value.
    std::string_view word = "";
    // Not null: one sample for each owner, whose name is the label's value; without owners there is no family.
    const std::vector<session::OwnerFigure>* owners = nullptr;
    // Rows of the type histogram: never null. Its values are counted in units as `number` is.
    const Histogram* histogram = nullptr;
    // `number` counts units of 10 to the power of -decimals: 1234 with 3 decimals is 1.234.
    unsigned decimals = 0;
    // False: there is no such figure at the moment, so no surface shows one.
    bool is_defined = true;
};

/// The number with its decimals: "1.234".
std::string text_of(const Reading& reading);
/// Another number of the same reading, such as a bound of its histogram.
std::string text_of(std::uint64_t number, unsigned decimals);

template <class Source>
struct MetricRow {
    MetricGroup group = MetricGroup::process;
    std::string_view name = "";  // without the prefix; "": the value is published below $SYS/broker only
    MetricType type = MetricType::counter;
    std::string_view unit = "";               // "bytes", "seconds", "percent", "ratio"; "": a number of things
    std::string_view label = "";              // "": the family has one sample
    std::string_view label_value = "";        // no character needs an escape; "": the reading has the value
    std::string_view other_label = "";        // a second label, for rows of bridges; "": there is none
    std::string_view other_label_value = "";  // its value
    std::string_view topic = "";              // below $SYS/broker/; "": there is no topic with the value
    std::string_view other_topic = "";        // a second name of the same value, for dashboards that know this one
    bool is_topic_with_unit = false;          // the topic says "90 seconds", not "90"
    std::string_view load = "";               // "bytes/sent": load/bytes/sent/1min, 5min and 15min have the averages
    bool needs_store = false;                 // the page for Prometheus leaves the row out when there is no store
    std::string_view prefix = "ledgemq_";     // "": the name is one that Prometheus has given a meaning
    Reading (*read)(const Source&) = nullptr;
    std::string_view help = "";    // sentences; "": the help of the family stands in an earlier row
    std::string_view sample = "";  // a sentence about this sample; "": the family has one sample
};

using Metric = MetricRow<MetricSource>;

/// What the topics that have the averages of a counter per minute end with, below load/.
struct LoadSpan {
    double minutes;
    std::string_view topic_end;
};
inline constexpr std::array<LoadSpan, 3> load_spans{{{1, "/1min"}, {5, "/5min"}, {15, "/15min"}}};

/// The table has this number of rows.
std::size_t metric_count();
/// The row at `index` < metric_count(), in the order of the page for Prometheus.
Metric metric(std::size_t index);

}  // namespace ledge::broker
