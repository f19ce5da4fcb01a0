// ShareGroups: all shared subscription groups (5.0 section 4.8.2) by number, and the choice of the member that gets a
// message. Part of Subscriptions; on the shard's thread.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/base/assert.hpp"
#include "ledge/base/ids.hpp"
#include "ledge/base/rng.hpp"
#include "ledge/base/text_hash.hpp"
#include "subscriber_list.hpp"

namespace ledge::broker {

enum class ShareStrategy : std::uint8_t;

struct ShareGroup {
    std::string name;
    FilterId filter = no_filter;
    SubscriberList members;
    std::uint32_t turn = 0;            // for round robin: number of picks so far
    std::uint32_t place = 0;           // index among the groups of the same filter; maintained by Subscriptions
    ShareGroupId id = no_share_group;  // no_share_group = the slot is free
};

/// A ShareGroupId has this layout: share_group_id := generation:u12 slot:u20, the slot in the low bits and counted from
/// 1. A delivery may outlive its group; the generation keeps it from being taken for one of the next group in the slot.
class ShareGroups {
public:
    /// `seed`: secret of the hash over the group names.
    ShareGroups(ShareStrategy strategy, Rng& rng, std::uint64_t seed)
        : strategy_(strategy), rng_(rng), by_name_(0, Hash{TextHash(seed)}) {}

    static constexpr std::size_t count_max = (1U << 20U) - 2U;
    /// Members that pick() examines at most. After that it chooses the best of them, even if that one does not keep up.
    static constexpr std::size_t looks_max = 1024;

    /// The id of the group `name` of the shared filter; no_share_group when there is no such group.
    ShareGroupId find(std::string_view name, FilterId filter) const;
    /// Makes a group and returns its id; no_share_group when count_max groups exist. Requires that the group does not
    /// exist.
    ShareGroupId create(std::string_view name, FilterId filter);
    /// Requires that the group has no members.
    void destroy(ShareGroupId id);
    /// Requires that the group exists.
    ShareGroup& at(ShareGroupId id);
    const std::string& name_of(ShareGroupId id) const {
        LEDGE_ASSERT(slot_of(id) < groups_.size());
        return groups_[slot_of(id)].name;
    }
    /// nullptr when the group does not exist any more.
    ShareGroup* find(ShareGroupId id);

    ShareStrategy strategy() const { return strategy_; }
    std::size_t slots() const { return groups_.size(); }
    /// The group in the slot; its id is no_share_group when the slot is free. Requires slot < slots().
    const ShareGroup& in_slot(std::size_t slot) const { return groups_[slot]; }

    /// The member that gets the next message. Connected members that keep up come first, then other connected members,
    /// then offline members with room in their queue, then those without. nullptr when no member may receive `topic`.
    /// `publisher`: a hash of the publisher's client id.
    const Subscriber* pick(ShareGroup& group, std::uint64_t publisher, std::string_view topic);

private:
    static constexpr unsigned slot_bits = 20;
    /// Index in groups_. For no_share_group a huge number, which is no valid index.
    static std::size_t slot_of(ShareGroupId id) { return (id.value() & ((1U << slot_bits) - 1U)) - 1U; }
    std::size_t start_of(ShareGroup& group, std::uint64_t publisher);

    struct Name {
        FilterId filter = no_filter;
        std::string_view text;
        Name(FilterId filter_, std::string_view text_) : filter(filter_), text(text_) {}
    };
    struct OwnedName {
        FilterId filter = no_filter;
        std::string text;
        operator Name() const { return {filter, text}; }  // NOLINT(google-explicit-constructor): key of a lookup
    };
    struct Hash {
        using is_transparent = void;
        TextHash hash;
        std::size_t operator()(const Name& name) const { return hash(hash(name.text), name.filter.value()); }
    };
    struct Equal {
        using is_transparent = void;
        bool operator()(const Name& a, const Name& b) const { return a.filter == b.filter && a.text == b.text; }
    };

    ShareStrategy strategy_;
    Rng& rng_;
    std::vector<ShareGroup> groups_;      // by slot
    std::vector<ShareGroupId> free_ids_;  // of free slots, each with the generation of its next group
    boost::unordered_flat_map<OwnedName, ShareGroupId, Hash, Equal> by_name_;
};

}  // namespace ledge::broker
