// SysTopics: publishes the metric table below $SYS/broker. A value is published only when it has changed.
#include "sys_topics.hpp"

#include <algorithm>
#include <cstdio>

#include "ledge/base/decay.hpp"

namespace ledge::broker {

// Once, and not while the vectors grow: the blocks that they would leave behind are memory of an idle broker.
void SysTopics::make_room() {
    std::size_t topics = 0;
    std::size_t loads = 0;
    for (std::size_t i = 0; i < metric_count(); ++i) {
        const Metric row = metric(i);
        if (!row.topic.empty()) ++topics;
        if (!row.other_topic.empty()) ++topics;
        if (!row.load.empty()) ++loads;
    }
    values_.resize(topics + loads * load_spans.size());
    loads_.resize(loads);
}

void SysTopics::publish(const Metrics& metrics, Instant now) {
    if (is_first_) make_room();
    next_value_ = 0;
    next_load_ = 0;
    // The maximum of the moments of publishing; peaks between them are not seen.
    memory_used_max_ = std::max(memory_used_max_, metrics.memory_used);
    const MetricSource source{metrics, version_, now - start_, memory_used_max_};
    for (std::size_t i = 0; i < metric_count(); ++i) {
        const Metric row = metric(i);
        publish_row(row, row.read(source), now);
    }
    last_ = now;
    is_first_ = false;
}

void SysTopics::publish_row(const Metric& row, const Reading& reading, Instant now) {
    if (!row.topic.empty()) {
        std::string number = std::to_string(reading.number);
        if (row.is_topic_with_unit) number.append(" ").append(row.unit);
        for (const std::string_view topic : {row.topic, row.other_topic}) {
            if (!topic.empty()) set({topic}, reading.word.empty() ? std::string_view(number) : reading.word, now);
        }
    }
    if (!row.load.empty()) publish_load(row.load, reading.number, now);
}

void SysTopics::publish_load(std::string_view name, std::uint64_t count, Instant now) {
    // The real time since the last call: a call may be late, and the rate must not depend on that.
    const double minutes = std::chrono::duration<double, std::ratio<60>>(now - last_).count();
    Load& load = loads_[next_load_++];
    const double rate = minutes > 0 ? static_cast<double>(count - load.last) / minutes : 0;
    load.last = count;
    for (std::size_t i = 0; i < load_spans.size(); ++i) {
        // An exponential moving average: after the length of the span, a past value has the weight 1/e.
        const double kept = decay(minutes / load_spans[i].minutes);
        load.averages[i] = load.averages[i] * kept + rate * (1 - kept);
        char value[32];
        std::snprintf(value, sizeof value, "%.2f", load.averages[i]);
        set({"load/", name, load_spans[i].topic_end}, value, now);
    }
}

void SysTopics::set(std::initializer_list<std::string_view> topic, std::string_view value, Instant now) {
    // The rows are published in the same order each time, so a counter finds the value that was published last.
    const std::size_t index = next_value_++;
    // Unchanged values would only cost every subscriber of $SYS/# a message.
    if (!is_first_ && values_[index] == value) return;
    values_[index] = value;
    std::string name;
    for (const std::string_view part : topic) name += part;
    publish_fact(name, value, now);
}

void SysTopics::publish_fact(std::string_view topic, std::string_view value, Instant now) {
    const std::string name = "$SYS/broker/" + std::string(topic);
    router_.route_unacknowledged({name, as_bytes(value), {}, never, wire::QoS::at_most_once, true}, nullptr, now);
}

}  // namespace ledge::broker
