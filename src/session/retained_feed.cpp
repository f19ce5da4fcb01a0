#include "ledge/session/retained_feed.hpp"

#include "ledge/base/assert.hpp"

namespace ledge::session {

RetainedFeed::Batch* RetainedFeed::find(std::string_view filter) {
    const auto found = by_filter_.find(filter);
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
    const Batch batch = batches_.pop_front();
    ++first_;
    forget_topics();
    if (batch.filter.empty())
        --gone_;
    else
        by_filter_.erase(by_filter_.find(batch.filter));
}

void RetainedFeed::forget(std::string_view filter) {
    constexpr std::size_t a_few = 16;
    Batch* known = find(filter);
    if (known == nullptr) return;
    if (known == &batches_.front()) forget_topics();
    by_filter_.erase(by_filter_.find(filter));
    *known = {};
    known->is_looked_through = true;
    if (++gone_ > by_filter_.size() + a_few) leave_out_gone();
}

// Their places are wanted: whoever subscribes and unsubscribes for ever would fill the memory otherwise.
void RetainedFeed::leave_out_gone() {
    const bool is_front_gone = batches_.front().filter.empty();
    for (std::size_t left = batches_.size(); left > 0; --left) {
        Batch batch = batches_.pop_front();
        if (!batch.filter.empty()) batches_.push_back(std::move(batch));
    }
    if (is_front_gone) forget_topics();
    gone_ = 0;
    first_ = 0;
    for (std::size_t i = 0; i < batches_.size(); ++i) by_filter_[batches_[i].filter] = i;
    batches_.shrink();
}

}  // namespace ledge::session
