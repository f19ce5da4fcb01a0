// ToldFacts: the figures of one listener below $SYS/broker/, published when they have changed. Owned by the listener.
#pragma once

#include <algorithm>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "ledge/base/time.hpp"
#include "ledge/broker/metric_table.hpp"
#include "ledge/broker/shard.hpp"

namespace ledge::link {

class ToldFacts {
public:
    static constexpr Duration interval_min = 10s;  // between two looks at figures that change all the time

    /// `place`: what the topics begin with, "mqttsn/NAME/" in the table; `name`: of the listener.
    ToldFacts(std::string_view place, std::string_view name)
        : place_size_(place.size()), prefix_(std::string(place.substr(0, place.find('/') + 1)).append(name) + "/") {}

    /// Publishes the values that have changed, and returns when to call again. Without $SYS topics nobody is woken up.
    template <class Figures>
    Instant publish(std::span<const broker::MetricRow<Figures>> rows, const Figures& figures, broker::Shard& shard,
                    Instant now) {
        const Duration interval = shard.sys_interval();
        if (interval <= Duration::zero()) return never;
        for (const broker::MetricRow<Figures>& row : rows) {
            // This row is for /metrics only.
            if (row.topic.empty()) continue;
            const std::string value = broker::text_of(row.read(figures));
            // The first value is always published, so that no retained value of an earlier run stays.
            const auto [at, is_first] = told_.try_emplace(row.topic);
            if (!is_first && at->second == value) continue;
            at->second = value;
            shard.publish_fact(prefix_ + std::string(row.topic.substr(place_size_)), value, now);
        }
        return now + std::max<Duration>(interval, interval_min);
    }

private:
    std::size_t place_size_;
    std::string prefix_;
    std::map<std::string_view, std::string> told_;  // topic of the table -> the value that was published last
};

}  // namespace ledge::link
