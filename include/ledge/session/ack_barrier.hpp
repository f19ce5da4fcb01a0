// Ack barrier: decides when a PUBLISH may be acknowledged. That is the case when its records are durable. It is also
// the case earlier, when every subscriber that must get the message has acknowledged it, because then the records are
// not needed any more. Owned by the shard; used on the shard's thread.
//
//     Fanout opens a barrier ──► one AckHold per Delivery ──► settle(): the subscriber is done with the message
//                  │                                                     │ the last one
//     AckQueue owes the acknowledgement ────► AckWait ◄─ on_holds_ended ─┘
#pragma once

#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

#include "ledge/wire/types.hpp"

namespace ledge::session {

class AckBarriers;
class AckQueue;

/// One barrier. Only AckBarriers, AckHold and AckWait use its members.
struct AckBarrier {
    AckBarriers* owner = nullptr;
    AckQueue* waiting = nullptr;  // the queue whose acknowledgement waits; nullptr = none waits
    std::uint32_t number = 0;     // of that acknowledgement in the queue
    std::uint32_t holds = 0;      // holds that are not settled yet
    wire::PacketType kind = wire::PacketType::puback;
    bool is_commit_required = false;  // a hold was abandoned: only the commit releases the acknowledgement
};

/// Delays an acknowledgement until settle(). When all holds of a barrier are settled, the acknowledgement may leave
/// before the commit. A hold that is destroyed or replaced without settle() is abandoned: then only the commit releases
/// the acknowledgement, which is always safe. Move-only; an empty hold delays nothing.
class AckHold {
public:
    AckHold() = default;
    AckHold(AckHold&& other) noexcept : barrier_(std::exchange(other.barrier_, nullptr)) {}
    AckHold& operator=(AckHold&& other) noexcept {
        if (this != &other) {
            if (barrier_ != nullptr) abandon();
            barrier_ = std::exchange(other.barrier_, nullptr);
        }
        return *this;
    }
    // Most holds are empty when they end. The check is here, because a call for each would be seen in bench_core.
    ~AckHold() {
        if (barrier_ != nullptr) abandon();
    }

    explicit operator bool() const { return barrier_ != nullptr; }
    /// Returns one more hold of this hold's barrier. Requires that this hold is not empty.
    AckHold share() const;
    /// The subscriber is done with the message. This call may send the acknowledgement to the publisher's connection.
    void settle();
    /// The subscriber will not make the records unnecessary, so the acknowledgement waits for the commit.
    void abandon();

private:
    friend class AckBarriers;
    friend class AckWait;
    explicit AckHold(AckBarrier& barrier) : barrier_(&barrier) { ++barrier.holds; }

    AckBarrier* barrier_ = nullptr;
};

/// The other end of a barrier: an acknowledgement that waits for the holds. The wait may end before the holds do.
class AckWait {
public:
    AckWait() = default;
    /// Acknowledgement `number` of `kind` in `queue` waits. At most one acknowledgement waits for a barrier.
    AckWait(const AckHold& hold, AckQueue& queue, wire::PacketType kind, std::uint32_t number);
    AckWait(AckWait&& other) noexcept : barrier_(std::exchange(other.barrier_, nullptr)) {}
    AckWait& operator=(AckWait&& other) noexcept {
        if (this != &other) {
            end();
            barrier_ = std::exchange(other.barrier_, nullptr);
        }
        return *this;
    }
    ~AckWait() { end(); }

    explicit operator bool() const { return barrier_ != nullptr; }

private:
    void end() {
        if (barrier_ != nullptr) std::exchange(barrier_, nullptr)->waiting = nullptr;
    }

    AckBarrier* barrier_ = nullptr;
};

/// The barriers of a shard. They outlive every hold and wait.
class AckBarriers {
public:
    AckBarriers() = default;
    ~AckBarriers();
    AckBarriers(const AckBarriers&) = delete;
    AckBarriers& operator=(const AckBarriers&) = delete;

    /// Opens a new barrier and returns its first hold.
    AckHold open();

private:
    friend class AckHold;
    void close(AckBarrier& barrier) { free_.push_back(&barrier); }

    std::deque<AckBarrier> barriers_;  // a deque, because the address of a barrier must not change
    std::vector<AckBarrier*> free_;    // closed barriers, to be opened again
};

}  // namespace ledge::session
