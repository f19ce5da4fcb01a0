// Pending queue: the deliveries of one session that wait for a connection, for room in the in-flight window, for a slow
// reader or for a commit. Limited in messages and bytes. The front of the queue is loaded, that is, in memory. The rest
// is the tail, which is only in the store, so a long queue needs no more memory than a short one. Deliveries leave in
// the order of their rows: a delivery that only memory has waits until the earlier rows of the tail have been loaded. A
// delivery of QoS 0 has no row and waits for none. Owned by the session, on the shard's thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "ledge/base/ring.hpp"
#include "ledge/session/delivery.hpp"

namespace ledge::session {

struct SessionLimits;

class PendingQueue {
public:
    bool empty() const { return loaded_.empty() && stored_rows_ == 0; }
    std::size_t size() const { return loaded_.size() + stored_rows_; }
    std::uint64_t bytes() const { return loaded_bytes_ + stored_bytes_; }

    /// True when the limits have room for one more delivery of `bytes`. `is_stored` = the store keeps the delivery.
    /// `leaving` = the size of a delivery that leaves the queue at the same time; nullopt = none leaves.
    bool fits(std::size_t bytes, bool is_stored, const SessionLimits& limits,
              std::optional<std::size_t> leaving = std::nullopt) const;

    // The loaded front.
    bool has_loaded() const { return !loaded_.empty(); }
    const Delivery& front() const { return loaded_[0]; }
    std::size_t loaded() const { return loaded_.size(); }
    std::uint64_t loaded_bytes() const { return loaded_bytes_; }
    /// No loaded delivery expires before this time.
    Instant earliest_expiry() const { return earliest_expiry_; }
    void forget_earliest_expiry() { earliest_expiry_ = never; }
    /// A loaded delivery leaves the queue at this time, which may be earlier than the expiry of its publication.
    void note_expiry(Instant at) { earliest_expiry_ = std::min(earliest_expiry_, at); }
    const Delivery& at(std::size_t index) const { return loaded_[index]; }
    /// Removes the loaded delivery at `index` and returns it. The others keep their order. Requires index < loaded().
    Delivery pop(std::size_t index = 0);
    /// The index of the loaded delivery in this row; nullopt when it is not loaded. Requires row != no_row.
    std::optional<std::size_t> index_of(QueueRow row) const;
    /// True when the store has all loaded deliveries. O(loaded).
    bool is_all_stored() const;
    /// Appends a loaded delivery.
    void push(Delivery delivery);

    // The tail, which is only in the store.
    bool has_stored_tail() const { return stored_rows_ > 0; }
    /// True when a row of the tail may come before the loaded front.
    bool is_tail_next() const { return stored_rows_ > 0 && (loaded_.empty() || loaded_[0].row > stored_from_); }
    /// Moves the first `count` loaded deliveries behind all other loaded ones. Requires count <= loaded().
    void move_to_back(std::size_t count);
    std::uint64_t stored_rows() const { return stored_rows_; }
    std::uint64_t stored_bytes() const { return stored_bytes_; }
    QueueRow stored_from() const { return stored_from_; }
    /// True when a new stored delivery must join the tail: there is a tail already, or the loaded window is full.
    bool goes_to_tail(std::size_t bytes, const SessionLimits& limits) const;
    /// Appends a row to the tail. `bytes` = size of the publication.
    void push_stored(QueueRow row, std::size_t bytes);
    /// Removes a row from the tail. The caller has loaded it, and pushes or drops the delivery. The tail begins behind
    /// this row.
    void take_stored(QueueRow row, std::size_t bytes);
    /// The tail begins behind this row, which was not counted as a part of it.
    void skip_stored(QueueRow row) { stored_from_ = row.next(); }
    /// A row of the tail is removed without having been loaded.
    void drop_stored(std::size_t bytes);
    /// The whole loaded front was popped, and becomes the beginning of the tail. `first_row` = its first row.
    void put_back(QueueRow first_row, std::uint64_t rows, std::uint64_t bytes);
    /// The tail as the store held it when the broker started. No row of it is below `from`.
    void restore(std::uint64_t rows, std::uint64_t bytes, QueueRow from);
    /// The tail is empty: the store has lost its rows.
    void forget_tail() { stored_rows_ = stored_bytes_ = 0; }

    void shrink() { loaded_.shrink(); }
    /// Bytes of the slots, used or not.
    std::uint64_t memory() const { return loaded_.capacity() * sizeof(Delivery); }

private:
    Ring<Delivery> loaded_;
    std::uint64_t loaded_bytes_ = 0;
    Instant earliest_expiry_ = never;
    std::uint64_t stored_rows_ = 0;   // rows of the tail
    std::uint64_t stored_bytes_ = 0;  // bytes of their publications
    QueueRow stored_from_ = no_row;   // no row of the tail has a lower number
};

}  // namespace ledge::session
