// $SYS topics under the names users know from Mosquitto: the rows of the metric table that have one. Retained,
// republished every interval when their value changed.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/broker/metric_table.hpp"
#include "router.hpp"

namespace ledge::broker {

class SysTopics {
public:
    SysTopics(Router& router, std::string version, Instant start)
        : router_(router), version_(std::move(version)), start_(start), last_(start) {}

    void publish(const Metrics& metrics, Instant now);
    /// Publishes a value that is in no row of the table: a retained message with the topic "$SYS/broker/" + `topic`.
    void publish_fact(std::string_view topic, std::string_view value, Instant now);

private:
    /// A rate per minute, averaged over 1, 5 and 15 minutes as load averages are.
    struct Load {
        std::uint64_t last = 0;  // the counter at the last publication
        std::array<double, load_spans.size()> averages{};
    };

    void make_room();
    void publish_row(const Metric& row, const Reading& reading, Instant now);
    void publish_load(std::string_view name, std::uint64_t count, Instant now);
    /// `topic`: the parts of the name below $SYS/broker/.
    void set(std::initializer_list<std::string_view> topic, std::string_view value, Instant now);

    Router& router_;
    std::string version_;
    Instant start_;
    Instant last_;
    bool is_first_ = true;
    std::vector<std::string> values_;  // last published, in the order of the table
    std::size_t next_value_ = 0;
    std::vector<Load> loads_;  // of the rows that have one, in the order of the table
    std::size_t next_load_ = 0;
    std::uint64_t memory_used_max_ = 0;
};

}  // namespace ledge::broker
