// IdTable: a hash table of 32-bit numbers of things that live elsewhere. Open addressing, linear probing, 8 bytes per
// seat: the number and its hash, so that a probe touches one cache line, and neither growing nor erasing looks at the
// things. Seats are in the order of the hashes, so growing reads and writes memory from front to back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace ledge::topic::detail {

inline constexpr std::uint32_t none = 0xffff'ffffU;

class IdTable {
public:
    /// The number with this hash for which `same(number)` holds, or none.
    template <class Same>
    std::uint32_t find(std::uint32_t hash, Same&& same) const {
        if (capacity_ == 0) return none;
        for (std::uint32_t i = home(hash);; i = next(i)) {
            const Seat seat = seats_[i];
            if (seat.id == none) return none;
            if (seat.hash == hash && same(seat.id)) return seat.id;
        }
    }

    /// `id` must not be in the table yet.
    void insert(std::uint32_t hash, std::uint32_t id);

    /// `id` must be in the table, under this hash.
    void erase(std::uint32_t hash, std::uint32_t id);

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
        std::uint32_t id;  // none: empty
        std::uint32_t hash;
    };

    // Full above 4/5: 13 seats (two cache lines) for a miss, 3 for a hit on average. Half full after a change of size.
    static constexpr std::uint32_t capacity_min = 8;

    std::uint32_t home(std::uint32_t hash) const {
        return static_cast<std::uint32_t>((std::uint64_t{hash} * capacity_) >> 32U);
    }
    std::uint32_t next(std::uint32_t i) const { return i + 1 == capacity_ ? 0 : i + 1; }
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
