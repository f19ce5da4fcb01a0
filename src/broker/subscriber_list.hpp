// The subscribers of one filter: one of them in place, more on the heap. 24 bytes, so that a million filters with one
// subscriber each cost 24 MB beside the trie.
#pragma once

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
    SubscriberList() : one_() {}
    SubscriberList(SubscriberList&& other) noexcept;
    SubscriberList& operator=(SubscriberList&& other) noexcept;
    ~SubscriberList() { clear(); }

    std::span<Subscriber> items() { return {capacity_ == 0 ? &one_ : many_, size_}; }
    std::span<const Subscriber> items() const { return {capacity_ == 0 ? &one_ : many_, size_}; }
    bool empty() const { return size_ == 0; }
    std::size_t size() const { return size_; }

    Subscriber* find(const session::Session& session);
    void add(const Subscriber& subscriber);
    /// The order of the others may change.
    void remove(const session::Session& session);
    void clear();

private:
    void grow();

    union {
        Subscriber one_;
        Subscriber* many_;
    };
    std::uint32_t size_ = 0;
    std::uint32_t capacity_ = 0;  // 0: in place
};

}  // namespace ledge::broker
