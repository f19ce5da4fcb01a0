// Retained messages still owed to a session for its new subscriptions: per subscription a filter and how far the
// retained store has been looked through for it. Sent at the pace of the reader; nothing else is kept.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/base/ring.hpp"
#include "ledge/wire/packets.hpp"

namespace ledge::session {

/// How far one subscription has been sent the retained messages. It survives a restart in the subscription's record.
struct FeedProgress {
    std::uint64_t as_of = 0;     // what was retained later went out live; 0: nothing is owed
    std::uint64_t position = 0;  // topics that came before it have been looked at (broker/retained.hpp)
    std::uint16_t rounds = 0;    // more SUBSCRIBEs that came meanwhile, each of which wants all of it again

    bool operator==(const FeedProgress&) const = default;
};

struct RetainedFeed {
    struct Batch {
        std::string filter;
        FeedProgress progress;
        std::uint32_t subscription_id = 0;
        wire::QoS qos = wire::QoS::at_most_once;
        bool is_looked_through = false;
        FeedProgress recorded{};  // what the record of the subscription says of it
    };
    bool has_news = false;  // something of it came since it was recorded last
    /// The batch of that filter; nullptr: nothing is owed for it.
    Batch* find(std::string_view filter);
    /// What the record of its subscription says of it.
    FeedProgress recorded(std::string_view filter) {
        const Batch* batch = find(filter);
        return batch == nullptr ? FeedProgress{} : batch->recorded;
    }

    Ring<Batch> batches;                // at most one per filter
    std::vector<std::uint32_t> topics;  // found for the first batch, from `next` on not sent yet
    std::size_t next = 0;
};

}  // namespace ledge::session
