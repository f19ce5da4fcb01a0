// The samples that the metric table has at a moment: what /metrics and GET /api/v1/metrics both show. A row of the
// table can have one sample, one for each owner, bridge or listener, or none.
#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "ledge/admin/part_figures.hpp"
#include "metric_rows.hpp"

namespace ledge::admin {

/// Views into the table and into the figures.
struct MetricSample {
    std::string_view prefix;  // of the name
    std::string_view name;
    broker::MetricType type{};
    std::string_view unit;
    std::string_view help;  // of the family
    std::string_view label = {};
    std::string_view label_value = {};  // clients choose some of them
    std::string_view other_label = {};
    std::string_view other_label_value = {};
    broker::Reading reading = {};
};

struct MetricFigures {
    const broker::MetricSource& core;
    const transport::TlsCounters& tls;
    const PartFigures& parts;
};

/// Calls `sink` for each sample, in the order of the rows.
template <class Sink>
class SampleWalk {
public:
    SampleWalk(const MetricFigures& figures, Sink& sink) : of_(figures), sink_(sink) {}

    void operator()(const broker::Metric& row) { show(row, row.read(of_.core)); }
    void operator()(const TlsMetric& row) { show(row, row.read(of_.tls)); }
    void operator()(const ListenerMetric& row) { show_each(row, of_.parts.listeners); }
    void operator()(const BridgeMetric& row) { show_each(row, of_.parts.bridges); }
    void operator()(const link::LinkMetric& row) { show_each(row, of_.parts.links); }
    void operator()(const link::LineMetric& row) { show_each(row, of_.parts.lines); }
    void operator()(const OtaMetric& row) {
        if (of_.parts.ota) show(row, row.read(*of_.parts.ota));
    }
    void operator()(const ProcessMetric& row) {
        if (of_.parts.process) show(row, row.read(*of_.parts.process));
    }

private:
    template <class Source>
    MetricSample sample_of(const broker::MetricRow<Source>& row, const broker::Reading& reading) {
        if (!row.help.empty()) help_ = row.help;  // only the first row of a family has it
        return {.prefix = row.prefix,
                .name = row.name,
                .type = row.type,
                .unit = row.unit,
                .help = help_,
                .label = row.label,
                .label_value = row.label_value,
                .other_label = row.other_label,
                .other_label_value = row.other_label_value,
                .reading = reading};
    }

    template <class Source>
    void show(const broker::MetricRow<Source>& row, const broker::Reading& reading) {
        // A row without a name exists only as a $SYS topic. Without a store, its figures would be zeros that nobody has
        // measured.
        if (row.name.empty() || (row.needs_store && !of_.core.metrics.store.is_used)) return;
        MetricSample sample = sample_of(row, reading);
        if (!reading.is_defined) return;
        if (reading.owners == nullptr) {
            // The value of a label stands in the row, or was read together with the figure (a version, a state).
            if (!row.label.empty() && row.label_value.empty()) sample.label_value = reading.word;
            return sink_(sample);
        }
        for (const session::OwnerFigure& figure : *reading.owners) {
            sample.label_value = figure.owner;
            sample.reading = {.number = figure.value};
            sink_(sample);
        }
    }

    /// A sample for each bridge or listener; its name is the value of the label.
    template <class Source>
    void show_each(const broker::MetricRow<Source>& row, const std::vector<Source>& sources) {
        if (row.name.empty()) return;
        for (const Source& source : sources) {
            MetricSample sample = sample_of(row, row.read(source));
            sample.label_value = source.name;
            if (sample.reading.is_defined) sink_(sample);
        }
    }

    MetricFigures of_;
    Sink& sink_;
    std::string_view help_;
};

template <class Sink>
void for_each_sample(const MetricFigures& figures, Sink& sink) {
    for_each_metric(SampleWalk<Sink>(figures, sink));
}

}  // namespace ledge::admin
