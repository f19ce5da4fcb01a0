// Ack barrier: when may a PUBLISH be acknowledged? When its records are durable. Or earlier: when every subscriber that
// the message is owed to has acknowledged it, because then the records are not needed any more.
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

/// One barrier. Only AckBarriers, AckHold and AckWait look into it.
struct AckBarrier {
    AckBarriers* owner = nullptr;
    AckQueue* waiting = nullptr;  // the queue whose acknowledgement waits; nullptr: no acknowledgement waits
    std::uint32_t number = 0;     // of that acknowledgement in the queue
    std::uint32_t holds = 0;
    wire::PacketType kind = wire::PacketType::puback;
    bool is_commit_required = false;
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
    /// One more hold of the same barrier. Requires one that is not empty.
    AckHold share() const;
    /// Its subscriber is done with the message. The publisher's connection may send while this runs.
    void settle();
    /// Its subscriber cannot make the records unnecessary.
    void abandon();

private:
    friend class AckBarriers;
    friend class AckWait;
    explicit AckHold(AckBarrier& barrier) : barrier_(&barrier) { ++barrier.holds; }

    AckBarrier* barrier_ = nullptr;
};

/// The other end: an acknowledgement that waits for the holds of a barrier. It may end before they do.
class AckWait {
public:
    AckWait() = default;
    /// Acknowledgement `number` of `kind` in this queue waits. At most one waits for a barrier.
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

    /// A new barrier, and the first hold of it.
    AckHold open();

private:
    friend class AckHold;
    void close(AckBarrier& barrier) { free_.push_back(&barrier); }

    std::deque<AckBarrier> barriers_;  // addresses stay
    std::vector<AckBarrier*> free_;
};

}  // namespace ledge::session
