// Pending queue: deliveries that wait for a connection, for room in the in-flight window, for a slow reader or for a
// commit. Bounded in messages and bytes. Its front is in RAM; what the store has may stay there: only the front window
// is loaded, whatever the length of the queue. The order is that of the rows: deliveries that only memory has come when
// the rows of the tail before them have been loaded. Those of QoS 0 have no row and do not wait for any.
#pragma once

#include <cstdint>

#include "ledge/base/ring.hpp"
#include "ledge/session/delivery.hpp"
#include "ledge/session/limits.hpp"

namespace ledge::session {

class PendingQueue {
public:
    bool empty() const { return loaded_.empty() && stored_rows_ == 0; }
    std::size_t size() const { return loaded_.size() + stored_rows_; }
    std::uint64_t bytes() const { return loaded_bytes_ + stored_bytes_; }

    /// True while a delivery of `bytes` is within the limits; `is_stored`: the store has it.
    bool fits(std::size_t bytes, bool is_stored, const SessionLimits& limits) const;

    // The loaded front
    bool has_loaded() const { return !loaded_.empty(); }
    const Delivery& front() const { return loaded_[0]; }
    std::size_t loaded() const { return loaded_.size(); }
    std::uint64_t loaded_bytes() const { return loaded_bytes_; }
    /// No loaded delivery expires before that.
    Instant earliest_expiry() const { return earliest_expiry_; }
    void forget_earliest_expiry() { earliest_expiry_ = never; }
    const Delivery& at(std::size_t index) const { return loaded_[index]; }
    /// Takes the delivery at `index` out; the order of the others stays.
    Delivery pop(std::size_t index = 0);
    /// The store has all that is loaded.
    bool is_all_stored() const;
    void push(Delivery delivery);

    // The rest, in the store only
    bool has_stored_tail() const { return stored_rows_ > 0; }
    /// The queue's front is, or may be, a row of the tail.
    bool is_tail_next() const { return stored_rows_ > 0 && (loaded_.empty() || loaded_[0].row > stored_from_); }
    /// The `count` deliveries at the front come after all the others that are loaded.
    void move_to_back(std::size_t count);
    std::uint64_t stored_rows() const { return stored_rows_; }
    std::uint64_t stored_bytes() const { return stored_bytes_; }
    std::uint64_t stored_from() const { return stored_from_; }
    /// A stored delivery goes to the tail when there is one already, or the window is full.
    bool goes_to_tail(std::size_t bytes, const SessionLimits& limits) const;
    void push_stored(std::uint64_t row, std::size_t bytes);
    /// A row of the tail has been loaded (push it) or found unfit (drop it); the tail begins behind it.
    void take_stored(std::uint64_t row, std::size_t bytes);
    /// A row that is not part of the tail stands in its way.
    void skip_stored(std::uint64_t row) { stored_from_ = row + 1; }
    /// What was popped, all of the loaded front, is in the store only from now on, before the rest.
    void put_back(std::uint64_t first_row, std::uint64_t rows, std::uint64_t bytes);
    /// What the store held when the broker started.
    void restore(std::uint64_t rows, std::uint64_t bytes, std::uint64_t from);
    /// The store has fewer rows than was thought: the tail is empty.
    void forget_tail() { stored_rows_ = stored_bytes_ = 0; }

    void shrink() { loaded_.shrink(); }
    /// Bytes of its slots, used or not.
    std::uint64_t memory() const { return loaded_.capacity() * sizeof(Delivery); }

private:
    Ring<Delivery> loaded_;
    std::uint64_t loaded_bytes_ = 0;
    Instant earliest_expiry_ = never;
    std::uint64_t stored_rows_ = 0;
    std::uint64_t stored_bytes_ = 0;
    std::uint64_t stored_from_ = 0;  // no row of the tail has a lower number
};

}  // namespace ledge::session
