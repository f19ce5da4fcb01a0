// Prints the metric table without figures. metrics_text.cpp prints the same rows with figures, so no metric can be
// missing here.
#include "ledge/admin/metrics_reference.hpp"

#include "ledge/base/json.hpp"
#include "metric_rows.hpp"

namespace ledge::admin {
namespace {

constexpr std::string_view root = "$SYS/broker/";

/// Prints one row per call. Only the first row of a family has the help text, and its other rows follow at once, so the
/// text is kept for them.
class Reference {
public:
    Reference(bool is_json, std::string& out) : is_json_(is_json), out_(out) {}

    template <class Source>
    void operator()(const broker::MetricRow<Source>& row) {
        if (!row.help.empty()) help_ = row.help;
        is_json_ ? print_object(row) : print_paragraph(row);
    }

private:
    template <class Source>
    /// The sample as /metrics shows it: ledgemq_NAME or ledgemq_NAME{LABEL="VALUE"}. A histogram has several: those of
    /// its buckets (NAME_bucket{le="BOUND"}), NAME_sum and NAME_count. "" for a row that has only topics.
    static std::string name_of_sample(const broker::MetricRow<Source>& row) {
        if (row.name.empty()) return {};
        std::string name = std::string(row.prefix) + std::string(row.name);
        if (row.label.empty()) return name;
        // Three dots stand for a value that is known only at run time, such as the name of a user.
        const std::string_view value = row.label_value.empty() ? "..." : row.label_value;
        name.append("{").append(row.label).append("=\"").append(value).append("\"");
        if (!row.other_label.empty())
            name.append(",").append(row.other_label).append("=\"").append(row.other_label_value).append("\"");
        return name.append("}");
    }

    template <class Source>
    /// The $SYS topics of the row, separated by commas; "" if the row has none.
    static std::string topics_of(const broker::MetricRow<Source>& row) {
        std::string topics;
        for (const std::string_view topic : {row.topic, row.other_topic}) {
            if (!topic.empty()) topics.append(topics.empty() ? "" : ", ").append(root).append(topic);
        }
        return topics;
    }

    template <class Source>
    /// The $SYS topics of the averages of this counter, one for each span of time; "" if the row has none.
    static std::string load_topics_of(const broker::MetricRow<Source>& row) {
        std::string topics;
        if (row.load.empty()) return topics;
        for (const broker::LoadSpan& span : broker::load_spans) {
            topics.append(topics.empty() ? "" : ", ").append(root).append("load/").append(row.load);
            topics.append(span.topic_end);
        }
        return topics;
    }

    template <class Source>
    void print_paragraph(const broker::MetricRow<Source>& row) {
        const std::string name = name_of_sample(row);
        const std::string topics = topics_of(row);
        const std::string load_topics = load_topics_of(row);
        // A row without a name for Prometheus has a topic, which serves as the title then.
        out_.append(name.empty() ? topics : name).append(" (").append(name_of(row.type));
        if (!row.unit.empty()) out_.append(", ").append(row.unit);
        out_.append(")\n");
        if (!name.empty() && !topics.empty()) out_.append("    Topics: ").append(topics).append("\n");
        if (!load_topics.empty()) out_.append("    Averages per minute: ").append(load_topics).append("\n");
        out_.append("    ").append(help_).append("\n");
        if (!row.sample.empty()) out_.append("    ").append(row.sample).append("\n");
        out_ += '\n';
    }

    template <class Source>
    void print_object(const broker::MetricRow<Source>& row) {
        JsonWriter json;
        json.text("name", name_of_sample(row));
        json.text("type", name_of(row.type));
        json.text("unit", row.unit);
        json.text("topics", topics_of(row));
        json.text("averages_per_minute", load_topics_of(row));
        json.text("meaning", help_);
        json.text("sample", row.sample);
        out_ += json.finish();
    }

    bool is_json_;
    std::string& out_;
    std::string_view help_;  // of the family
};

}  // namespace

void print_metrics(bool is_json, std::string& out) { for_each_metric(Reference(is_json, out)); }

}  // namespace ledge::admin
