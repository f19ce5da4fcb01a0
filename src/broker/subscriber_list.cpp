#include "subscriber_list.hpp"

#include <algorithm>

#include "ledge/base/assert.hpp"

namespace ledge::broker {

SubscriberList::SubscriberList(SubscriberList&& other) noexcept : one_() { *this = std::move(other); }

SubscriberList& SubscriberList::operator=(SubscriberList&& other) noexcept {
    if (this == &other) return *this;
    clear();
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
    if (capacity_ != 0) delete[] many_;
    one_ = {};
    size_ = capacity_ = 0;
}

Subscriber* SubscriberList::find(const session::Session& session) {
    for (Subscriber& item : items())
        if (item.session == &session) return &item;
    return nullptr;
}

void SubscriberList::add(const Subscriber& subscriber) {
    if (size_ == (capacity_ == 0 ? 1 : capacity_)) grow();
    ++size_;
    items().back() = subscriber;
}

void SubscriberList::grow() {
    const std::uint32_t capacity = capacity_ == 0 ? 4 : capacity_ * 2;
    auto* larger = new Subscriber[capacity];
    std::ranges::copy(items(), larger);
    if (capacity_ != 0) delete[] many_;
    many_ = larger;
    capacity_ = capacity;
}

void SubscriberList::remove(const session::Session& session) {
    Subscriber* gone = find(session);
    LEDGE_ASSERT(gone != nullptr);
    *gone = items().back();
    if (--size_ == 0) clear();
}

}  // namespace ledge::broker
