#include "ledge/session/ack_barrier.hpp"

#include "ledge/base/assert.hpp"
#include "ledge/session/ack_queue.hpp"

namespace ledge::session {

// All holds have ended before the barriers do; otherwise they would point into freed memory.
AckBarriers::~AckBarriers() { LEDGE_ASSERT(free_.size() == barriers_.size()); }

AckHold AckBarriers::open() {
    if (free_.empty()) free_.push_back(&barriers_.emplace_back());
    AckBarrier& barrier = *free_.back();
    free_.pop_back();
    barrier = {.owner = this};
    return AckHold(barrier);
}

AckHold AckHold::share() const {
    LEDGE_ASSERT(barrier_ != nullptr);
    return AckHold(*barrier_);
}

[[gnu::hot]] void AckHold::settle() {
    if (barrier_ == nullptr) return;
    AckBarrier& barrier = *std::exchange(barrier_, nullptr);
    LEDGE_ASSERT(barrier.holds > 0);
    if (--barrier.holds > 0) return;
    // The barrier is closed only after this call, because the queue ends its AckWait of the barrier in the call.
    if (barrier.waiting != nullptr)
        barrier.waiting->on_holds_ended(barrier.kind, barrier.number, barrier.is_commit_required);
    LEDGE_ASSERT(barrier.waiting == nullptr);
    barrier.owner->close(barrier);
}

void AckHold::abandon() {
    if (barrier_ == nullptr) return;
    LEDGE_ASSERT(barrier_->holds > 0);
    barrier_->is_commit_required = true;
    settle();
}

AckWait::AckWait(const AckHold& hold, AckQueue& queue, wire::PacketType kind, std::uint32_t number)
    : barrier_(hold.barrier_) {
    LEDGE_ASSERT(barrier_ != nullptr && barrier_->waiting == nullptr);
    barrier_->waiting = &queue;
    barrier_->kind = kind;
    barrier_->number = number;
}

}  // namespace ledge::session
