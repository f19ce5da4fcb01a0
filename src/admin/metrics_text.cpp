// Writes the rows of the metric table as samples in the text format 0.0.4 of Prometheus ("Exposition formats" in its
// documentation).
#include "ledge/admin/metrics_text.hpp"
#include "ledge/admin/part_figures.hpp"

#include <initializer_list>
#include <utility>

#include "metric_rows.hpp"

namespace ledge::admin {
namespace {

/// Escapes the value of a label: \\, " and line ends, as the format requires. Clients choose user names, so without
/// this a name could forge samples.
std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '\\' || c == '"') out += '\\';
        if (c == '\n')
            out += "\\n";
        else
            out += c;
    }
    return out;
}

/// Appends one row per call. Rows of the core and rows of TLS read their values from different structs, so there are
/// two overloads.
class Text {
public:
    Text(const broker::MetricSource& core, const transport::TlsCounters& tls, const PartFigures& parts)
        : core_(core), tls_(tls), parts_(parts), has_store_(core.metrics.store.is_used) {}

    void operator()(const broker::Metric& row) { add_row(row, row.read(core_)); }
    void operator()(const TlsMetric& row) { add_row(row, row.read(tls_)); }

    void operator()(const BridgeMetric& row) { add_named(row, parts_.bridges); }
    void operator()(const link::LinkMetric& row) { add_named(row, parts_.links); }
    void operator()(const link::LineMetric& row) { add_named(row, parts_.lines); }
    void operator()(const ListenerMetric& row) { add_named(row, parts_.listeners); }
    void operator()(const OtaMetric& row) {
        if (parts_.ota) add_row(row, row.read(*parts_.ota));
    }
    void operator()(const ProcessMetric& row) {
        if (parts_.process) add_row(row, row.read(*parts_.process));
    }

    std::string take() { return std::move(out_); }

private:
    /// A sample for each bridge or listener; its name is the value of the label.
    template <class Source>
    void add_named(const broker::MetricRow<Source>& row, const std::vector<Source>& sources) {
        if (row.name.empty()) return;
        bool has_head = false;
        for (const Source& source : sources) {
            const broker::Reading reading = row.read(source);
            if (!reading.is_defined) continue;
            if (!std::exchange(has_head, true)) add_head(row);
            add({row.prefix, row.name, "{", row.label, "=\"", source.name, "\""});
            if (!row.other_label.empty()) add({",", row.other_label, "=\"", row.other_label_value, "\""});
            add({"} ", broker::text_of(reading), "\n"});
        }
    }

    template <class Source>
    void add_row(const broker::MetricRow<Source>& row, const broker::Reading& reading) {
        // A row without a name exists only as a $SYS topic. Without a store, its figures would be zeros that nobody has
        // measured.
        if (row.name.empty() || (row.needs_store && !has_store_) || !reading.is_defined) return;
        // A family without samples gets no HELP and TYPE lines either.
        if (reading.owners != nullptr && reading.owners->empty()) return;
        add_head(row);
        if (row.type == broker::MetricType::histogram) return add_histogram(row, reading);
        if (row.label.empty()) return add({row.prefix, row.name, " ", broker::text_of(reading), "\n"});
        // One sample. The value of its label stands in the row, or was read together with the figure (a version, a
        // state).
        if (reading.owners == nullptr) {
            const std::string_view value = row.label_value.empty() ? reading.word : row.label_value;
            return add_sample(row.name, row.label, value, reading.number);
        }
        for (const session::OwnerFigure& figure : *reading.owners)
            add_sample(row.name, row.label, escaped(figure.owner), figure.value);
    }

    template <class Source>
    void add_head(const broker::MetricRow<Source>& row) {
        if (row.help.empty()) return;  // not the first row of its family
        add({"# HELP ", row.prefix, row.name, " ", row.help, "\n"});
        add({"# TYPE ", row.prefix, row.name, " ", name_of(row.type), "\n"});
    }

    /// Prometheus wants each bucket to contain all smaller values too, and a last one that contains all.
    template <class Source>
    void add_histogram(const broker::MetricRow<Source>& row, const broker::Reading& reading) {
        const Histogram& histogram = *reading.histogram;
        std::uint64_t sum = 0;
        for (std::size_t i = 0; i < Histogram::buckets; ++i) {
            sum += histogram.in_bucket(i);
            const std::string bound = broker::text_of(histogram.bound(i), reading.decimals);
            add({row.prefix, row.name, "_bucket{le=\"", bound, "\"} ", std::to_string(sum), "\n"});
        }
        const std::string count = std::to_string(histogram.count());
        add({row.prefix, row.name, "_bucket{le=\"+Inf\"} ", count, "\n"});
        add({row.prefix, row.name, "_sum ", broker::text_of(histogram.sum(), reading.decimals), "\n"});
        add({row.prefix, row.name, "_count ", count, "\n"});
    }

    void add_sample(std::string_view name, std::string_view label, std::string_view label_value, std::uint64_t value) {
        add({"ledgemq_", name, "{", label, "=\"", label_value, "\"} ", std::to_string(value), "\n"});
    }

    void add(std::initializer_list<std::string_view> parts) {
        for (const std::string_view part : parts) out_ += part;
    }

    const broker::MetricSource& core_;
    const transport::TlsCounters& tls_;
    const PartFigures& parts_;
    bool has_store_;
    std::string out_;
};

}  // namespace

std::string metrics_text(const broker::Metrics& metrics, const transport::TlsCounters& tls, const PartFigures& parts,
                         std::string_view version, Duration uptime) {
    const broker::MetricSource core{metrics, version, uptime};
    Text text(core, tls, parts);
    for_each_metric(text);
    return text.take();
}

}  // namespace ledge::admin
