// IdTable: a hash table of 32-bit ids. The objects that the ids stand for are stored elsewhere. The table uses open
// addressing with linear probing. A seat has 8 bytes: the id and its hash. So a probe touches one cache line, and
// neither growing nor erasing reads the objects. The seats are in the order of the hashes, so growing reads and writes
// memory from front to back. The owner of the objects owns the table, and both stay on one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace ledge::topic::detail {

inline constexpr std::uint32_t none = 0xffff'ffffU;

class IdTable {
public:
    /// Returns the id with this hash for which `same(id)` returns true, or none.
    template <class Same>
    std::uint32_t find(std::uint32_t hash, Same&& same) const {
        if (capacity_ == 0) return none;
        for (std::uint32_t i = home(hash);; i = next(i)) {
            const Seat seat = seats_[i];
            if (seat.id == none) return none;
            if (seat.hash == hash && same(seat.id)) return seat.id;
        }
    }

    /// Adds `id`, which must not be in the table yet.
    void insert(std::uint32_t hash, std::uint32_t id);

    /// Removes `id`, which must be in the table with this hash.
    void erase(std::uint32_t hash, std::uint32_t id);

    /// Starts fetching the seat of `hash` from memory, for a find() that follows.
    void prefetch(std::uint32_t hash) const { __builtin_prefetch(seats_.get() + home(hash)); }

    template <class F>
    void for_each(F&& f) const {
        for (std::uint32_t i = 0; i < capacity_; ++i) {
            if (seats_[i].id != none) f(seats_[i].id);
        }
    }

    std::size_t size() const { return size_; }
    std::size_t bytes() const { return std::size_t{capacity_} * sizeof(Seat); }

private:
    struct Seat {
        std::uint32_t id;  // none = the seat is empty
        std::uint32_t hash;
    };

    // The table grows when more than 4/5 of its seats are in use. At this load, a search visits 13 seats (two cache
    // lines) on average if it fails, and 3 if it succeeds. After a change of size, about half of the seats are in use.
    static constexpr std::uint32_t capacity_min = 8;

    /// The first seat for a hash: `hash` scaled from [0, 2^32) to [0, capacity).
    std::uint32_t home(std::uint32_t hash) const {
        return static_cast<std::uint32_t>((std::uint64_t{hash} * capacity_) >> 32U);
    }
    std::uint32_t next(std::uint32_t i) const { return i + 1 == capacity_ ? 0 : i + 1; }
    /// The number of seats from `from` forward to `to`, around the end of the table if necessary.
    std::uint32_t distance(std::uint32_t from, std::uint32_t to) const {
        return to >= from ? to - from : to + capacity_ - from;
    }
    void resize(std::uint32_t capacity);
    void put(Seat seat);
    void close_gap(std::uint32_t gap);

    std::unique_ptr<Seat[]> seats_;
    std::uint32_t capacity_ = 0;
    std::uint32_t size_ = 0;
};

}  // namespace ledge::topic::detail
