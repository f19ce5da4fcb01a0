#include "ledge/session/retained_feed.hpp"

#include "ledge/base/assert.hpp"

namespace ledge::session {

RetainedFeed::Batch* RetainedFeed::find(std::string_view filter) {
    const auto found = by_filter_.find(filter);
    LEDGE_ASSERT(found == by_filter_.end() || found->second - first_ < batches_.size());
    return found == by_filter_.end() ? nullptr : &batches_[found->second - first_];
}

void RetainedFeed::forget_topics() {
    topics.clear();
    next = 0;
}

void RetainedFeed::add(Batch batch) {
    LEDGE_ASSERT(!batch.filter.empty() && find(batch.filter) == nullptr);
    by_filter_.emplace(batch.filter, first_ + batches_.size());
    batches_.push_back(std::move(batch));
}

void RetainedFeed::pop_front() {
    LEDGE_ASSERT(!empty());
    const Batch batch = batches_.pop_front();
    ++first_;
    forget_topics();
    if (batch.filter.empty())
        --removed_;
    else
        by_filter_.erase(by_filter_.find(batch.filter));
}

void RetainedFeed::forget(std::string_view filter) {
    constexpr std::size_t a_few = 16;
    Batch* known = find(filter);
    if (known == nullptr) return;
    if (known == &batches_.front()) forget_topics();
    // The batch stays in place without a filter, because erasing it from the middle of the ring would cost O(n).
    by_filter_.erase(by_filter_.find(filter));
    *known = {};
    known->is_looked_through = true;
    if (++removed_ > by_filter_.size() + a_few) erase_removed();
}

// Erases the batches whose subscription has been removed. Otherwise a client that subscribes and unsubscribes without
// end would fill the memory.
void RetainedFeed::erase_removed() {
    const bool is_front_removed = batches_.front().filter.empty();
    for (std::size_t left = batches_.size(); left > 0; --left) {
        Batch batch = batches_.pop_front();
        if (!batch.filter.empty()) batches_.push_back(std::move(batch));
    }
    if (is_front_removed) forget_topics();
    // The batches are numbered anew, from 0.
    removed_ = 0;
    first_ = 0;
    for (std::size_t i = 0; i < batches_.size(); ++i) by_filter_[batches_[i].filter] = i;
    batches_.shrink();
}

}  // namespace ledge::session
