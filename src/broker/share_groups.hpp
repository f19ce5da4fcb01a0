// Shared subscription groups (5.0 section 4.8.2): all the groups there are, by number, and the pick of a member.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/base/rng.hpp"
#include "ledge/broker/options.hpp"
#include "ledge/topic/detail/text_hash.hpp"
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
    std::uint32_t turn = 0;   // round robin: members picked so far
    std::uint32_t place = 0;  // among the groups of its filter; kept by Subscriptions
    ShareGroupId id = 0;      // 0: the slot is free
};

class ShareGroups {
public:
    /// `seed`: secret of the hash of the names.
    ShareGroups(ShareStrategy strategy, Rng& rng, std::uint64_t seed)
        : strategy_(strategy), rng_(rng), by_name_(0, Hash{topic::detail::TextHash(seed)}) {}

    static constexpr std::size_t count_max = (1U << 20U) - 2U;
    /// The members that pick() looks at before it is content with one that does not keep up.
    static constexpr std::size_t looks_max = 1024;

    /// The group `name` of the shared filter; 0: there is none.
    ShareGroupId find(std::string_view name, topic::FilterId filter) const;
    /// 0: there are count_max groups. Requires that find() does not know it.
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

    struct Name {
        topic::FilterId filter = 0;
        std::string_view text;
        Name(topic::FilterId filter_, std::string_view text_) : filter(filter_), text(text_) {}
    };
    struct OwnedName {
        topic::FilterId filter = 0;
        std::string text;
        operator Name() const { return {filter, text}; }  // NOLINT(google-explicit-constructor): what is looked up
    };
    struct Hash {
        using is_transparent = void;
        topic::detail::TextHash hash;
        std::size_t operator()(const Name& name) const { return hash(hash(name.text), name.filter); }
    };
    struct Equal {
        using is_transparent = void;
        bool operator()(const Name& a, const Name& b) const { return a.filter == b.filter && a.text == b.text; }
    };

    ShareStrategy strategy_;
    Rng& rng_;
    std::vector<ShareGroup> groups_;      // by slot
    std::vector<ShareGroupId> free_ids_;  // what the next groups in these slots are called
    boost::unordered_flat_map<OwnedName, ShareGroupId, Hash, Equal> by_name_;
};

}  // namespace ledge::broker
