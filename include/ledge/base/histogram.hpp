// Histogram: how often values of different sizes occurred, for figures such as the duration of commits. The upper
// bounds of the buckets are powers of two, so a value finds its bucket by the position of its highest bit, and a
// histogram allocates nothing. The owner of the figure owns the histogram; plain numbers, on the owner's thread.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace ledge {

class Histogram {
public:
    static constexpr std::size_t buckets = 20;  // with an upper bound; larger values are only part of count()

    /// The upper bound of the first bucket is 2 to the power of `first_bits`, and each further bound is twice as large.
    constexpr explicit Histogram(unsigned first_bits) : first_bits_(first_bits) {}
    constexpr Histogram() = default;

    void note(std::uint64_t value) {
        const std::size_t bits = value == 0 ? 0 : static_cast<std::size_t>(std::bit_width(value - 1));
        const std::size_t bucket = bits > first_bits_ ? bits - first_bits_ : 0;
        ++counts_[std::min(bucket, buckets)];
        ++count_;
        sum_ += value;
        max_ = std::max(max_, value);
    }

    /// The largest value that the bucket contains. Requires bucket < buckets.
    std::uint64_t bound(std::size_t bucket) const { return std::uint64_t{1} << (first_bits_ + bucket); }
    /// The number of values in the bucket alone.
    std::uint64_t in_bucket(std::size_t bucket) const { return counts_[bucket]; }
    /// The number of all values, their sum, and the largest of them.
    std::uint64_t count() const { return count_; }
    std::uint64_t sum() const { return sum_; }
    std::uint64_t max() const { return max_; }

    /// A value that at least `percent` of all values do not exceed: the bound of a bucket, or the largest value if that
    /// is less. The true quantile is more than half of the result. 0 = there is no value.
    std::uint64_t quantile(unsigned percent) const {
        std::uint64_t seen = 0;
        for (std::size_t i = 0; i < buckets; ++i) {
            seen += counts_[i];
            if (count_ > 0 && seen * 100 >= count_ * percent) return std::min(bound(i), max_);
        }
        return max_;
    }

private:
    std::array<std::uint64_t, buckets + 1> counts_{};  // the last one counts values above all bounds
    std::uint64_t count_ = 0;
    std::uint64_t sum_ = 0;
    std::uint64_t max_ = 0;
    unsigned first_bits_ = 0;
};

}  // namespace ledge
