// SubscriptionSet: the subscriptions of one session, by their ids in the broker's subscription table. A small set is
// searched one by one. A larger set has a hash index, so that one SUBSCRIBE costs a session with 100,000 filters no
// more than a session with ten. Owned by the session, on the shard's thread.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <memory>
#include <vector>

#include "ledge/base/ids.hpp"

namespace ledge::session {

/// A filter that the session has subscribed to.
struct SubscriptionRef {
    FilterId filter = no_filter;
    ShareGroupId share_group = no_share_group;  // a group belongs to one filter
    std::uint32_t number = 0;                   // of the subscription's record in the store
    bool has_older_record = false;  // an earlier form of the record than that of `ticket` may be in the store
    Ticket ticket = no_ticket;      // of the record's last change; no_ticket = no change since the broker started
};

class SubscriptionSet {
public:
    static constexpr std::size_t unindexed_max = 32;  // subscriptions; a larger set has an index

    std::size_t size() const { return refs_.size(); }
    bool empty() const { return refs_.empty(); }
    auto begin() const { return refs_.begin(); }
    auto end() const { return refs_.end(); }

    /// The subscription; nullptr when the session does not have it. The result is valid until the next add or remove.
    /// For a shared subscription the group alone decides, and `filter` is not looked at.
    SubscriptionRef* find(FilterId filter, ShareGroupId share_group);
    const SubscriptionRef* find(FilterId filter, ShareGroupId share_group) const;
    const SubscriptionRef* find_group(ShareGroupId share_group) const { return find(no_filter, share_group); }
    const SubscriptionRef* find_number(std::uint32_t number) const;

    /// Adds a subscription. Requires that find() returns nullptr for it.
    SubscriptionRef& add(const SubscriptionRef& ref);
    /// Removes a subscription that find() has returned. The order of the others may change.
    void remove(const SubscriptionRef& ref);
    void clear();

    /// The largest number of subscriptions that one find() compares.
    std::size_t looks_max() const { return index_ == nullptr ? refs_.size() : 1; }

private:
    struct Index {
        boost::unordered_flat_map<std::uint64_t, std::uint32_t> by_key;
        boost::unordered_flat_map<std::uint32_t, std::uint32_t> by_number;
    };

    static std::uint64_t key_of(FilterId filter, ShareGroupId share_group) {
        return share_group == no_share_group ? filter.value() : std::uint64_t{1} << 32U | share_group.value();
    }
    static std::uint64_t key_of(const SubscriptionRef& ref) { return key_of(ref.filter, ref.share_group); }
    void note(std::size_t position);

    std::vector<SubscriptionRef> refs_;
    std::unique_ptr<Index> index_;  // positions in refs_; nullptr while the set has not exceeded unindexed_max
};

}  // namespace ledge::session
