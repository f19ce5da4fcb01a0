// What a shard tells about itself: the counters of its sessions and the gauges of its tables.
#pragma once

#include <cstdint>

#include "ledge/session/counters.hpp"

namespace ledge::broker {

struct Metrics {
    session::Counters counters;
    std::uint32_t connections = 0;  // sockets, connected or not yet
    std::uint32_t clients_connected = 0;
    std::uint32_t clients_connected_max = 0;
    std::size_t sessions = 0;  // connected and offline
    std::size_t subscriptions = 0;
    std::size_t retained_messages = 0;    // the $SYS topics included
    std::uint64_t records_cancelled = 0;  // changes of the store that became unnecessary before they were written
    bool is_store_failed = false;
    bool is_store_full = false;
    std::uint64_t retained_bytes = 0;  // topics, properties and payloads
};

}  // namespace ledge::broker
