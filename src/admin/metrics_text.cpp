// Writes the samples of the metric table in the text format 0.0.4 of Prometheus ("Exposition formats" in its
// documentation).
#include "ledge/admin/metrics_text.hpp"

#include <initializer_list>
#include <utility>

#include "ledge/admin/part_figures.hpp"
#include "metric_samples.hpp"

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

/// Appends one sample per call.
class Text {
public:
    void operator()(const MetricSample& sample) {
        // A family without samples gets no HELP and TYPE lines either.
        if (std::exchange(family_, sample.name) != sample.name) add_head(sample);
        if (sample.type == broker::MetricType::histogram) return add_histogram(sample);
        add({sample.prefix, sample.name});
        if (!sample.label.empty()) {
            add({"{", sample.label, "=\"", escaped(sample.label_value), "\""});
            if (!sample.other_label.empty()) add({",", sample.other_label, "=\"", sample.other_label_value, "\""});
            add({"}"});
        }
        add({" ", broker::text_of(sample.reading), "\n"});
    }

    std::string take() { return std::move(out_); }

private:
    void add_head(const MetricSample& sample) {
        add({"# HELP ", sample.prefix, sample.name, " ", sample.help, "\n"});
        add({"# TYPE ", sample.prefix, sample.name, " ", name_of(sample.type), "\n"});
    }

    /// Prometheus wants each bucket to contain all smaller values too, and a last one that contains all.
    void add_histogram(const MetricSample& sample) {
        const Histogram& histogram = *sample.reading.histogram;
        std::uint64_t sum = 0;
        for (std::size_t i = 0; i < Histogram::buckets; ++i) {
            sum += histogram.in_bucket(i);
            const std::string bound = broker::text_of(histogram.bound(i), sample.reading.decimals);
            add({sample.prefix, sample.name, "_bucket{le=\"", bound, "\"} ", std::to_string(sum), "\n"});
        }
        const std::string count = std::to_string(histogram.count());
        const std::string total = broker::text_of(histogram.sum(), sample.reading.decimals);
        add({sample.prefix, sample.name, "_bucket{le=\"+Inf\"} ", count, "\n"});
        add({sample.prefix, sample.name, "_sum ", total, "\n"});
        add({sample.prefix, sample.name, "_count ", count, "\n"});
    }

    void add(std::initializer_list<std::string_view> parts) {
        for (const std::string_view part : parts) out_ += part;
    }

    std::string_view family_;
    std::string out_;
};

}  // namespace

std::string metrics_text(const broker::Metrics& metrics, const transport::TlsCounters& tls, const PartFigures& parts,
                         std::string_view version, Duration uptime) {
    const broker::MetricSource core{metrics, version, uptime};
    Text text;
    for_each_sample({core, tls, parts}, text);
    return text.take();
}

}  // namespace ledge::admin
