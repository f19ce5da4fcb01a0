// Retained messages still owed to a session for its new subscriptions: per subscription a filter and how far the
// retained store has been looked through for it. Sent at the pace of the reader; nothing else is kept.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ledge/base/ring.hpp"
#include "ledge/wire/packets.hpp"

namespace ledge::session {

struct RetainedFeed {
    struct Batch {
        std::string filter;
        std::uint64_t as_of = 0;     // what was retained later went out live
        std::uint32_t position = 0;  // topic numbers below it have been looked at
        std::uint32_t subscription_id = 0;
        wire::QoS qos = wire::QoS::at_most_once;
        bool is_looked_through = false;
    };
    Ring<Batch> batches;                // at most one per filter
    std::vector<std::uint32_t> topics;  // found for the first batch, from `next` on not sent yet
    std::size_t next = 0;
};

}  // namespace ledge::session
