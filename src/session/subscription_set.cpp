#include "ledge/session/subscription_set.hpp"

#include <algorithm>

#include "ledge/base/assert.hpp"

namespace ledge::session {

const SubscriptionRef* SubscriptionSet::find(FilterId filter, ShareGroupId share_group) const {
    const std::uint64_t key = key_of(filter, share_group);
    if (index_ != nullptr) {
        const auto found = index_->by_key.find(key);
        return found == index_->by_key.end() ? nullptr : &refs_[found->second];
    }
    const auto found = std::ranges::find_if(refs_, [&](const SubscriptionRef& ref) { return key_of(ref) == key; });
    return found == refs_.end() ? nullptr : &*found;
}

SubscriptionRef* SubscriptionSet::find(FilterId filter, ShareGroupId share_group) {
    const SubscriptionRef* found = std::as_const(*this).find(filter, share_group);
    return found == nullptr ? nullptr : &refs_[static_cast<std::size_t>(found - refs_.data())];
}

const SubscriptionRef* SubscriptionSet::find_number(std::uint32_t number) const {
    if (index_ != nullptr) {
        const auto found = index_->by_number.find(number);
        return found == index_->by_number.end() ? nullptr : &refs_[found->second];
    }
    const auto found = std::ranges::find(refs_, number, &SubscriptionRef::number);
    return found == refs_.end() ? nullptr : &*found;
}

SubscriptionRef& SubscriptionSet::add(const SubscriptionRef& ref) {
    refs_.push_back(ref);
    // The index is built once, when the set becomes too large for a search one by one.
    if (index_ != nullptr) {
        note(refs_.size() - 1);
    } else if (refs_.size() > unindexed_max) {
        index_ = std::make_unique<Index>();
        for (std::size_t i = 0; i < refs_.size(); ++i) note(i);
    }
    return refs_.back();
}

void SubscriptionSet::note(std::size_t position) {
    LEDGE_ASSERT(index_ != nullptr && position < refs_.size());
    index_->by_key[key_of(refs_[position])] = static_cast<std::uint32_t>(position);
    index_->by_number[refs_[position].number] = static_cast<std::uint32_t>(position);
}

void SubscriptionSet::remove(const SubscriptionRef& ref) {
    const auto position = static_cast<std::size_t>(&ref - refs_.data());
    LEDGE_ASSERT(position < refs_.size());
    if (index_ != nullptr) {
        index_->by_key.erase(key_of(ref));
        index_->by_number.erase(ref.number);
    }
    // The last subscription moves to the free place, so that removing costs O(1).
    const bool is_last = position + 1 == refs_.size();
    if (!is_last) refs_[position] = refs_.back();
    refs_.pop_back();
    if (index_ != nullptr && !is_last) note(position);
    if (refs_.empty()) clear();
}

void SubscriptionSet::clear() {
    refs_ = {};
    index_.reset();
}

}  // namespace ledge::session
