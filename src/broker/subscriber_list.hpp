// SubscriberList: the subscribers of one filter. A single subscriber is stored in the object itself, several in an
// array on the heap, and many in an array with an index. The object has 24 bytes, so a million filters with one
// subscriber each cost 24 MB beside the trie.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <span>

#include "ledge/session/session.hpp"

namespace ledge::broker {

struct Subscriber {
    session::Session* session = nullptr;
    std::uint32_t subscription_id = 0;  // Subscription Identifier; 0 = none
    wire::SubscribeOptions options;
};

class SubscriberList {
public:
    /// A longer list has an index. So 100,000 sessions with the same filter can end together without O(n^2) work.
    static constexpr std::size_t unindexed_max = 64;

    SubscriberList() : one_() {}
    SubscriberList(SubscriberList&& other) noexcept;
    SubscriberList& operator=(SubscriberList&& other) noexcept;
    ~SubscriberList() { clear(); }

    std::span<Subscriber> items() { return {capacity_ == 0 ? &one_ : many_.items, size_}; }
    std::span<const Subscriber> items() const { return {capacity_ == 0 ? &one_ : many_.items, size_}; }
    bool empty() const { return size_ == 0; }
    std::size_t size() const { return size_; }

    /// nullptr when the session is not in the list.
    Subscriber* find(const session::Session& session);
    /// Requires that the session is not in the list.
    void add(const Subscriber& subscriber);
    /// Removes the session, which must be in the list. The order of the other subscribers may change.
    void remove(const session::Session& session);
    void clear();

    /// Subscribers that one find() examines at most.
    std::size_t looks_max() const { return capacity_ != 0 && many_.index != nullptr ? 1 : size_; }

private:
    using Index = boost::unordered_flat_map<const session::Session*, std::uint32_t>;
    struct Many {
        Subscriber* items;
        Index* index;  // positions in items; nullptr for a list that never had more than unindexed_max subscribers
    };

    void grow();
    void build_index();

    union {
        Subscriber one_;
        Many many_;
    };
    std::uint32_t size_ = 0;
    std::uint32_t capacity_ = 0;  // of many_.items; 0 = one_ is used, not many_
};

}  // namespace ledge::broker
