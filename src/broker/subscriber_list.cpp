// SubscriberList: a union of one subscriber and an array. capacity_ says which member is active: 0 = one_, otherwise
// many_.
#include "subscriber_list.hpp"

#include <algorithm>

#include "ledge/base/assert.hpp"

namespace ledge::broker {

SubscriberList::SubscriberList(SubscriberList&& other) noexcept : one_() { *this = std::move(other); }

SubscriberList& SubscriberList::operator=(SubscriberList&& other) noexcept {
    if (this == &other) return *this;
    clear();
    // The union member that is active in `other` becomes active here, and one_ becomes active there.
    size_ = other.size_;
    capacity_ = other.capacity_;
    if (capacity_ == 0)
        one_ = other.one_;
    else
        many_ = other.many_;
    other.one_ = {};
    other.size_ = other.capacity_ = 0;
    return *this;
}

void SubscriberList::clear() {
    if (capacity_ != 0) {
        delete[] many_.items;
        delete many_.index;
    }
    one_ = {};
    size_ = capacity_ = 0;
}

Subscriber* SubscriberList::find(const session::Session& session) {
    if (capacity_ != 0 && many_.index != nullptr) {
        const auto found = many_.index->find(&session);
        return found == many_.index->end() ? nullptr : &many_.items[found->second];
    }
    // A short array is searched faster than a hash table, and it needs no memory for one.
    for (Subscriber& item : items())
        if (item.session == &session) return &item;
    return nullptr;
}

void SubscriberList::add(const Subscriber& subscriber) {
    LEDGE_ASSERT(subscriber.session != nullptr);
    if (size_ == (capacity_ == 0 ? 1 : capacity_)) grow();
    ++size_;
    items().back() = subscriber;
    if (capacity_ != 0 && many_.index != nullptr)
        (*many_.index)[subscriber.session] = size_ - 1;
    else if (size_ > unindexed_max)
        build_index();
}

// From one place to 4, then to twice as many each time. An index is kept: positions do not change.
void SubscriberList::grow() {
    LEDGE_ASSERT(size_ == (capacity_ == 0 ? 1 : capacity_));
    // Doubling keeps the cost of each addition constant on average.
    const std::uint32_t capacity = capacity_ == 0 ? 4 : capacity_ * 2;
    auto* larger = new Subscriber[capacity];
    std::ranges::copy(items(), larger);
    Index* index = capacity_ == 0 ? nullptr : many_.index;
    if (capacity_ != 0) delete[] many_.items;
    many_ = {larger, index};
    capacity_ = capacity;
}

void SubscriberList::build_index() {
    LEDGE_ASSERT(capacity_ != 0 && many_.index == nullptr);
    many_.index = new Index();
    for (std::uint32_t i = 0; i < size_; ++i) (*many_.index)[many_.items[i].session] = i;
}

void SubscriberList::remove(const session::Session& session) {
    Subscriber* gone = find(session);
    LEDGE_ASSERT(gone != nullptr);
    const auto position = static_cast<std::uint32_t>(gone - items().data());
    LEDGE_ASSERT(position < size_);
    *gone = items().back();  // the last subscriber fills the gap
    if (capacity_ != 0 && many_.index != nullptr) {
        (*many_.index)[gone->session] = position;
        many_.index->erase(&session);  // after the assignment: the removed subscriber may be the last one itself
    }
    // An empty list gives its array back; the list itself may stay for the next subscriber of the filter.
    if (--size_ == 0) clear();
}

}  // namespace ledge::broker
