// Retained messages still owed to a connection for its new subscriptions, sent at the pace of the reader: the list
// holds topic numbers, the message itself is looked up when its turn comes.
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
        std::vector<std::uint32_t> topics;  // numbers in the retained store, may have become stale
        std::size_t next = 0;
        std::uint32_t subscription_id = 0;
        wire::QoS qos = wire::QoS::at_most_once;
    };
    Ring<Batch> batches;
};

}  // namespace ledge::session
