// The subscribers of one filter: one of them in place, more on the heap, many with an index. 24 bytes, so that a
// million filters with one subscriber each cost 24 MB beside the trie.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <span>

#include "ledge/session/session.hpp"

namespace ledge::broker {

struct Subscriber {
    session::Session* session = nullptr;
    std::uint32_t subscription_id = 0;  // 0: none
    wire::SubscribeOptions options;
};

class SubscriberList {
public:
    /// A longer list has an index, so that 100,000 sessions of one filter can end together.
    static constexpr std::size_t unindexed_max = 64;

    SubscriberList() : one_() {}
    SubscriberList(SubscriberList&& other) noexcept;
    SubscriberList& operator=(SubscriberList&& other) noexcept;
    ~SubscriberList() { clear(); }

    std::span<Subscriber> items() { return {capacity_ == 0 ? &one_ : many_.items, size_}; }
    std::span<const Subscriber> items() const { return {capacity_ == 0 ? &one_ : many_.items, size_}; }
    bool empty() const { return size_ == 0; }
    std::size_t size() const { return size_; }

    Subscriber* find(const session::Session& session);
    /// Requires that find() does not know its session.
    void add(const Subscriber& subscriber);
    /// The order of the others may change.
    void remove(const session::Session& session);
    void clear();

    /// Subscribers that one find() looks at, at most.
    std::size_t looks_max() const { return capacity_ != 0 && many_.index != nullptr ? 1 : size_; }

private:
    using Index = boost::unordered_flat_map<const session::Session*, std::uint32_t>;
    struct Many {
        Subscriber* items;
        Index* index;  // positions in items; nullptr: up to unindexed_max of them
    };

    void grow();
    void build_index();

    union {
        Subscriber one_;
        Many many_;
    };
    std::uint32_t size_ = 0;
    std::uint32_t capacity_ = 0;  // 0: in place
};

}  // namespace ledge::broker
