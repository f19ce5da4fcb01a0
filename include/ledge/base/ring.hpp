// Ring: a growable first-in first-out queue with random access, for at most 2^31 elements. A ring owns no heap memory
// until the first push_back(). One owner, no locks.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "ledge/base/assert.hpp"

namespace ledge {

template <class T>
class Ring {
public:
    bool empty() const { return size_ == 0; }
    std::size_t size() const { return size_; }
    std::size_t capacity() const { return capacity_; }

    // `index` counts from the front and must be below size(). front() and back() need a ring that is not empty.

    // The capacity is a power of two, so the mask wraps the index around.
    T& operator[](std::size_t index) { return slots_[(head_ + index) & (capacity_ - 1)]; }
    const T& operator[](std::size_t index) const { return slots_[(head_ + index) & (capacity_ - 1)]; }
    T& front() { return (*this)[0]; }
    T& back() { return (*this)[size_ - 1]; }

    /// Appends an element. The reference is valid until the ring changes again.
    T& push_back(T value) { return append() = std::move(value); }

    /// Appends a default element, to be filled in place.
    T& append() {
        if (size_ == capacity_) resize(capacity_ == 0 ? 4 : capacity_ * 2);
        return slots_[(head_ + size_++) & (capacity_ - 1)];
    }

    T pop_front() {
        LEDGE_ASSERT(size_ > 0);
        // The slot gets an empty value, so that it does not keep the memory of the removed element.
        T value = std::exchange(slots_[head_], T{});
        head_ = (head_ + 1) & (capacity_ - 1);
        --size_;
        return value;
    }

    /// Destroys the first element. Cheaper than pop_front() when the caller does not need its value.
    void drop_front() {
        LEDGE_ASSERT(size_ > 0);
        slots_[head_] = T{};
        head_ = (head_ + 1) & (capacity_ - 1);
        --size_;
    }

    /// Removes all elements and gives the memory back.
    void clear() {
        slots_.reset();
        head_ = size_ = capacity_ = 0;
    }

    /// Gives back the memory that the present elements do not need.
    void shrink() {
        if (size_ == 0) return clear();
        // The smallest power of two that holds all elements.
        const std::uint32_t wanted = std::bit_ceil(size_);
        if (wanted < capacity_) resize(wanted);
    }

private:
    void resize(std::uint32_t capacity) {
        LEDGE_ASSERT(capacity > 0);  // doubling 2^31 slots would wrap around to 0
        LEDGE_ASSERT(capacity >= size_);
        auto slots = std::make_unique<T[]>(capacity);
        for (std::uint32_t i = 0; i < size_; ++i) slots[i] = std::move((*this)[i]);
        slots_ = std::move(slots);
        capacity_ = capacity;
        head_ = 0;
    }

    std::unique_ptr<T[]> slots_;
    std::uint32_t head_ = 0;
    std::uint32_t size_ = 0;
    std::uint32_t capacity_ = 0;  // 0 or a power of two
};

}  // namespace ledge
