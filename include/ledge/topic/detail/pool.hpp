// Pool: numbered objects of one plain type. Numbers are dense, and a number that was given back is used again first.
// The pool grows by whole chunks, never moves a full chunk, and never has more than one chunk of unused memory beyond
// the highest number in use so far. An empty pool owns no heap memory.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "ledge/base/assert.hpp"

namespace ledge::topic::detail {

/// A free object holds the link of the free list. T provides `next_free()` and `set_next_free(link)`. A link is the
/// next free number plus one, or 0 at the end of the list; a link is below 2^30.
template <class T>
class Pool {
public:
    static_assert(std::is_trivially_copyable_v<T>);

    T& operator[](std::uint32_t number) { return chunks_[number / chunk_size][number % chunk_size]; }
    const T& operator[](std::uint32_t number) const { return chunks_[number / chunk_size][number % chunk_size]; }

    /// Stores `value` in a new object and returns the object's number, which is 0 if the pool was empty.
    std::uint32_t take(const T& value) {
        const std::uint32_t number = free_ != 0 ? free_ - 1 : fresh();
        if (free_ != 0) free_ = (*this)[number].next_free();
        (*this)[number] = value;
        ++live_;
        return number;
    }

    /// Removes the object `number`, which must be live. The number may be used again.
    void give_back(std::uint32_t number) {
        LEDGE_ASSERT(number < used_ && live_ > 0);
        if (--live_ == 0) {
            *this = Pool();
            return;
        }
        (*this)[number].set_next_free(free_);
        free_ = number + 1;
    }

    void prefetch(std::uint32_t number) const { __builtin_prefetch(&(*this)[number]); }

    std::size_t size() const { return live_; }
    std::uint32_t used() const { return used_; }  // one more than the highest number since the pool was empty
    std::size_t bytes() const { return capacity_ * sizeof(T) + chunks_.capacity() * sizeof(chunks_[0]); }

private:
    static constexpr std::uint32_t chunk_size = 512;
    static constexpr std::uint32_t first_size = 4;
    static constexpr std::uint32_t numbers_max = (1U << 30U) - chunk_size;  // a number and two bits share 32 bits

    /// A number that no object has used since the pool was empty.
    std::uint32_t fresh() {
        if (used_ == capacity_) grow();
        return used_++;
    }

    // The first chunk starts small and doubles up to chunk_size objects. Every other chunk has this size at once.
    void grow() {
        LEDGE_ASSERT(capacity_ < numbers_max);
        if (capacity_ >= chunk_size) {
            chunks_.push_back(std::make_unique_for_overwrite<T[]>(chunk_size));
            capacity_ += chunk_size;
            return;
        }
        const std::uint32_t capacity = std::max(first_size, capacity_ * 2);
        auto chunk = std::make_unique_for_overwrite<T[]>(capacity);
        if (chunks_.empty()) chunks_.emplace_back();
        std::copy_n(chunks_[0].get(), used_, chunk.get());
        chunks_[0] = std::move(chunk);
        capacity_ = capacity;
    }

    std::vector<std::unique_ptr<T[]>> chunks_;
    std::uint32_t capacity_ = 0;
    std::uint32_t used_ = 0;
    std::uint32_t live_ = 0;
    std::uint32_t free_ = 0;  // the link to the first free object
};

}  // namespace ledge::topic::detail
