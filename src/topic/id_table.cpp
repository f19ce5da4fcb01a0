// Insertion, removal and growth of an IdTable.
#include "ledge/topic/detail/id_table.hpp"

#include <algorithm>
#include <utility>

#include "ledge/base/assert.hpp"

namespace ledge::topic::detail {

void IdTable::insert(std::uint32_t hash, std::uint32_t id) {
    if (std::uint64_t{size_ + 1} * 5 > std::uint64_t{capacity_} * 4) {
        resize(std::max(capacity_min, capacity_ + capacity_ / 2));
    }
    put({id, hash});
    ++size_;
}

void IdTable::erase(std::uint32_t hash, std::uint32_t id) {
    LEDGE_ASSERT(size_ > 0 && id != none);
    std::uint32_t i = home(hash);
    while (seats_[i].id != id) {
        LEDGE_ASSERT(seats_[i].id != none);
        i = next(i);
    }
    close_gap(i);
    if (--size_ == 0) {
        *this = IdTable();  // an empty table owns no memory
    } else if (size_ < capacity_ / 4 && capacity_ > capacity_min) {
        resize(std::max(capacity_min, size_ * 2));
    }
}

// A search ends at the first empty seat. An id behind the gap whose search begins at or before the gap would not be
// found any more. Such an id moves into the gap, and its old seat is the next gap.
void IdTable::close_gap(std::uint32_t gap) {
    for (std::uint32_t i = next(gap); seats_[i].id != none; i = next(i)) {
        if (distance(home(seats_[i].hash), i) >= distance(gap, i)) {
            seats_[gap] = seats_[i];
            gap = i;
        }
    }
    seats_[gap].id = none;
}

void IdTable::resize(std::uint32_t capacity) {
    LEDGE_ASSERT(capacity > size_);  // at least one seat stays empty, which ends every search
    const auto old_seats = std::exchange(seats_, std::make_unique_for_overwrite<Seat[]>(capacity));
    const std::uint32_t old_capacity = std::exchange(capacity_, capacity);
    std::fill_n(seats_.get(), capacity_, Seat{none, 0});
    for (std::uint32_t i = 0; i < old_capacity; ++i) {
        if (old_seats[i].id != none) put(old_seats[i]);
    }
}

void IdTable::put(Seat seat) {
    LEDGE_ASSERT(seat.id != none);
    std::uint32_t i = home(seat.hash);
    while (seats_[i].id != none) i = next(i);
    seats_[i] = seat;
}

}  // namespace ledge::topic::detail
