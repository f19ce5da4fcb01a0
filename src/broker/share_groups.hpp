// Shared subscription groups (5.0 section 4.8.2): all the groups there are, by number, and the pick of a member.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ledge/base/rng.hpp"
#include "ledge/broker/options.hpp"
#include "ledge/topic/filter_trie.hpp"
#include "subscriber_list.hpp"

namespace ledge::broker {

/// 0 means "not shared". slot:20 generation:12, the slot from 1 on: a delivery may outlive its group, and must not find
/// another one in its place.
using ShareGroupId = std::uint32_t;

struct ShareGroup {
    std::string name;
    topic::FilterId filter = 0;
    SubscriberList members;
    std::uint32_t turn = 0;  // round robin: members picked so far
    ShareGroupId id = 0;     // 0: the slot is free
};

class ShareGroups {
public:
    ShareGroups(ShareStrategy strategy, Rng& rng) : strategy_(strategy), rng_(rng) {}

    /// 0: there are as many groups as there can be (about a million).
    ShareGroupId create(std::string_view name, topic::FilterId filter);
    void destroy(ShareGroupId id);
    ShareGroup& at(ShareGroupId id);
    const std::string& name_of(ShareGroupId id) const { return groups_[slot_of(id)].name; }
    /// nullptr when the group is gone.
    ShareGroup* find(ShareGroupId id);

    /// The member that gets the next message: connected ones that keep up come first, then connected ones, then those
    /// whose session keeps it for later. nullptr when nobody in the group may receive `topic`. `publisher`: hash of who
    /// published.
    const Subscriber* pick(ShareGroup& group, std::uint64_t publisher, std::string_view topic);

private:
    static constexpr unsigned slot_bits = 20;
    static std::size_t slot_of(ShareGroupId id) { return (id & ((1U << slot_bits) - 1U)) - 1U; }
    std::size_t start_of(ShareGroup& group, std::uint64_t publisher);

    ShareStrategy strategy_;
    Rng& rng_;
    std::vector<ShareGroup> groups_;      // by slot
    std::vector<ShareGroupId> free_ids_;  // what the next groups in these slots are called
};

}  // namespace ledge::broker
