// SubscriptionSet: the subscriptions of one session, as the broker's subscription table names them. A handful is
// searched one by one; beyond that a hash finds them, so that a session of 100,000 filters pays for each SUBSCRIBE what
// a session of ten pays.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <memory>
#include <vector>

#include "ledge/journal/publication.hpp"

namespace ledge::session {

/// A filter the session has subscribed to.
struct SubscriptionRef {
    std::uint32_t filter = 0;
    std::uint32_t share_group = 0;  // 0: not shared; a group belongs to one filter
    std::uint32_t number = 0;       // of its record in the store
    bool has_older_record = false;  // a form of the record before the one of `ticket` may be in the store
    journal::Ticket ticket = 0;     // of the record's last change; 0: none in this run
};

class SubscriptionSet {
public:
    static constexpr std::size_t unindexed_max = 32;

    std::size_t size() const { return refs_.size(); }
    bool empty() const { return refs_.empty(); }
    auto begin() const { return refs_.begin(); }
    auto end() const { return refs_.end(); }

    /// nullptr: the session does not have it. The result is valid until the next add or remove.
    SubscriptionRef* find(std::uint32_t filter, std::uint32_t share_group);
    const SubscriptionRef* find(std::uint32_t filter, std::uint32_t share_group) const;
    const SubscriptionRef* find_group(std::uint32_t share_group) const { return find(0, share_group); }
    const SubscriptionRef* find_number(std::uint32_t number) const;

    /// Requires that find() does not know it.
    SubscriptionRef& add(const SubscriptionRef& ref);
    /// Requires that `ref` is what find() gave. The order of the others may change.
    void remove(const SubscriptionRef& ref);
    void clear();

    /// Refs that one find() looks at, at most.
    std::size_t looks_max() const { return index_ == nullptr ? refs_.size() : 1; }

private:
    struct Index {
        boost::unordered_flat_map<std::uint64_t, std::uint32_t> by_key;
        boost::unordered_flat_map<std::uint32_t, std::uint32_t> by_number;
    };

    static std::uint64_t key_of(std::uint32_t filter, std::uint32_t share_group) {
        return share_group == 0 ? filter : std::uint64_t{1} << 32U | share_group;
    }
    static std::uint64_t key_of(const SubscriptionRef& ref) { return key_of(ref.filter, ref.share_group); }
    void note(std::size_t position);

    std::vector<SubscriptionRef> refs_;
    std::unique_ptr<Index> index_;  // positions in refs_; nullptr: up to unindexed_max of them
};

}  // namespace ledge::session
