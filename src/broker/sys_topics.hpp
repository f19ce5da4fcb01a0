// $SYS topics under the names users know from Mosquitto. Retained, republished every interval when their value changed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/broker/metrics.hpp"
#include "router.hpp"

namespace ledge::broker {

class SysTopics {
public:
    SysTopics(Router& router, std::string version, Instant start)
        : router_(router), version_(std::move(version)), start_(start), last_(start) {}

    void publish(const Metrics& metrics, Instant now);

private:
    /// A rate per minute, averaged over 1, 5 and 15 minutes as load averages are.
    struct Load {
        std::string_view name;
        std::uint64_t (*count)(const session::Counters&);
        std::uint64_t last = 0;
        double averages[3] = {0, 0, 0};
    };

    void publish_counters(const Metrics& metrics, Instant now);
    void publish_memory(const Metrics& metrics, Instant now);
    void publish_store(const Metrics& metrics, Instant now);
    void publish_load(const session::Counters& counters, Instant now);
    void set(std::string_view name, std::uint64_t value, Instant now);
    void set(std::string_view name, std::string_view value, Instant now);

    Router& router_;
    std::string version_;
    Instant start_;
    Instant last_;
    bool is_first_ = true;
    std::vector<std::string> values_;  // last published, in the order of the calls
    std::size_t next_value_ = 0;
    std::uint64_t heap_max_ = 0;
    std::vector<Load> loads_ = {
        {"messages/received", [](const session::Counters& c) { return c.packets_received; }},
        {"messages/sent", [](const session::Counters& c) { return c.packets_sent; }},
        {"publish/received", [](const session::Counters& c) { return c.publish_received; }},
        {"publish/sent", [](const session::Counters& c) { return c.publish_sent; }},
        {"publish/dropped", [](const session::Counters& c) { return c.dropped(); }},
        {"bytes/received", [](const session::Counters& c) { return c.bytes_received; }},
        {"bytes/sent", [](const session::Counters& c) { return c.bytes_sent; }},
        {"sockets", [](const session::Counters& c) { return c.connections_opened; }},
        {"connections", [](const session::Counters& c) { return c.connects_received; }},
    };
};

}  // namespace ledge::broker
