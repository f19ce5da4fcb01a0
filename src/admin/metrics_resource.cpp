// GET /metrics: the samples of the metric table for programs that read JSON. /metrics outside of the API has the same
// for Prometheus.
#include <algorithm>

#include "ledge/admin/part_figures.hpp"
#include "ledge/base/json.hpp"
#include "ledge/broker/shard.hpp"
#include "ledge/runtime/broker_loop.hpp"
#include "metric_samples.hpp"
#include "resources.hpp"
#include "site.hpp"

namespace ledge::admin {
namespace {

/// A number in the unit of the metric. Whole numbers stay whole, whatever their size.
void write_number(JsonWriter& body, std::string_view key, std::uint64_t number, unsigned decimals) {
    if (decimals == 0) return body.number(key, number);
    double scale = 1;
    for (unsigned i = 0; i < decimals; ++i) scale *= 10;
    body.number(key, static_cast<double>(number) / scale);
}

/// Appends one sample per call to the open list.
class Samples {
public:
    explicit Samples(JsonWriter& body) : body_(body) {}

    void operator()(const MetricSample& sample) {
        body_.begin_object();
        body_.text("name", std::string(sample.prefix) + std::string(sample.name));
        body_.text("type", name_of(sample.type));
        body_.text("unit", sample.unit);
        body_.begin_object("labels");
        if (!sample.label.empty()) body_.text(sample.label, sample.label_value);
        if (!sample.other_label.empty()) body_.text(sample.other_label, sample.other_label_value);
        body_.end_object();
        const broker::Reading& reading = sample.reading;
        if (reading.histogram == nullptr)
            write_number(body_, "value", reading.number, reading.decimals);
        else
            add_histogram(*reading.histogram, reading.decimals);
        body_.end_object();
    }

private:
    /// The value of a histogram is the number of its values. Each bucket counts the values up to its bound, as for
    /// Prometheus; the values above all bounds are only part of the whole number.
    void add_histogram(const Histogram& histogram, unsigned decimals) {
        body_.number("value", histogram.count());
        write_number(body_, "sum", histogram.sum(), decimals);
        body_.begin_list("buckets");
        std::uint64_t sum = 0;
        for (std::size_t i = 0; i < Histogram::buckets; ++i) {
            sum += histogram.in_bucket(i);
            body_.begin_object();
            write_number(body_, "up_to", histogram.bound(i), decimals);
            body_.number("count", sum);
            body_.end_object();
        }
        body_.end_list();
    }

    JsonWriter& body_;
};

}  // namespace

void get_metrics(Site& site, ApiRequest request) {
    if (request.refuse_if_wrong()) return;
    const Duration uptime = site.uptime();
    const PartFigures parts = site.collector.collect(*site.loop, site.parts, uptime);
    const broker::MetricSource core{site.shard().metrics(), site.version, uptime};
    const transport::TlsCounters tls = site.loop->tls_counters();
    JsonWriter body;
    body.begin_list("metrics");
    Samples samples(body);
    for_each_sample({core, tls, parts}, samples);
    body.end_list();
    request.answer(body);
}

}  // namespace ledge::admin
