// TokenBucket limits a rate: at most `per_second` tokens per second on average, and at most `burst` tokens at once. A
// caller may take more tokens than the bucket has. The level then goes below zero, and the bucket is not ready until
// enough tokens have returned. All arithmetic is in integers: a token has a million parts, and `per_second` parts
// return in each microsecond. One owner, no locks.
#pragma once

#include <algorithm>
#include <cstdint>

#include "ledge/base/assert.hpp"
#include "ledge/base/time.hpp"

namespace ledge {

class TokenBucket {
public:
    static constexpr std::uint64_t per_second_max = 1'000'000'000'000;  // the largest `per_second` and `burst`

    /// A bucket without a limit.
    TokenBucket() = default;
    /// A full bucket. `per_second` = 0 means no limit. `burst` = 0 means a burst of `per_second` tokens. Neither may be
    /// above per_second_max.
    TokenBucket(std::uint64_t per_second, std::uint64_t burst, Instant now)
        : per_second_(static_cast<std::int64_t>(per_second)),
          full_(static_cast<std::int64_t>(burst == 0 ? per_second : burst) * parts),
          level_(full_),
          filled_(now) {
        LEDGE_ASSERT(per_second <= per_second_max && burst <= per_second_max);
    }

    /// False = every call succeeds at once.
    bool is_limited() const { return per_second_ != 0; }
    /// True when the bucket had at least one token at the last refill.
    bool is_ready() const { return has(1); }
    /// True when the bucket had at least `count` tokens at the last refill. `count` <= per_second_max.
    bool has(std::uint64_t count) const { return !is_limited() || level_ >= static_cast<std::int64_t>(count) * parts; }
    /// Takes `count` tokens, even if the bucket has fewer.
    void take(std::uint64_t count) {
        if (is_limited()) level_ -= static_cast<std::int64_t>(count) * parts;
    }
    /// Adds the tokens that have returned since the last refill. A `now` before the last one is ignored.
    void refill(Instant now) {
        if (!is_limited() || now <= filled_) return;
        const std::int64_t elapsed_us = (now - filled_).count();
        filled_ = now;
        // Decide by division whether the bucket is full, because the product could overflow after a long time.
        const bool is_full = elapsed_us >= (full_ - level_) / per_second_ + 1;
        level_ = is_full ? full_ : std::min(full_, level_ + elapsed_us * per_second_);
    }
    /// Returns when the bucket will be ready. A bucket that is ready returns a time that is not in the future.
    Instant ready_at() const {
        if (is_ready()) return filled_;
        // The division rounds up, so that the bucket is ready at the returned time and not just before.
        return filled_ + Duration((parts - level_ + per_second_ - 1) / per_second_);
    }

    /// Returns when the bucket will be full. A bucket that is full returns a time that is not in the future.
    Instant full_at() const {
        if (!is_limited() || level_ >= full_) return filled_;
        return filled_ + Duration((full_ - level_ + per_second_ - 1) / per_second_);
    }
    /// Changes the rate; the arguments mean the same as in the constructor. The tokens that were taken stay taken, so a
    /// change does not fill the bucket.
    void change(std::uint64_t per_second, std::uint64_t burst) {
        LEDGE_ASSERT(per_second <= per_second_max && burst <= per_second_max);
        per_second_ = static_cast<std::int64_t>(per_second);
        full_ = static_cast<std::int64_t>(burst == 0 ? per_second : burst) * parts;
        level_ = std::min(level_, full_);
    }

private:
    static constexpr std::int64_t parts = 1'000'000;

    std::int64_t per_second_ = 0;
    std::int64_t full_ = 0;   // parts of a full bucket
    std::int64_t level_ = 0;  // parts; below zero when more tokens were taken than the bucket had
    Instant filled_{};        // time of the last refill
};

}  // namespace ledge
