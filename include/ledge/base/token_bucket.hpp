// TokenBucket: so many a second on average, and so many at once. What comes in pieces of any size is taken whole: the
// bucket goes below zero then, and is not ready before the debt is paid. Integers only: a token is a million parts, of
// which `per_second` come in each microsecond.
#pragma once

#include <algorithm>
#include <cstdint>

#include "ledge/base/time.hpp"

namespace ledge {

class TokenBucket {
public:
    static constexpr std::uint64_t per_second_max = 1'000'000'000'000;  // and of the burst

    /// Always ready.
    TokenBucket() = default;
    /// Full. `per_second` 0: always ready. `burst` 0: what comes in a second. `per_second`, `burst` <= per_second_max.
    TokenBucket(std::uint64_t per_second, std::uint64_t burst, Instant now)
        : per_second_(static_cast<std::int64_t>(per_second)),
          full_(static_cast<std::int64_t>(burst == 0 ? per_second : burst) * parts),
          level_(full_),
          filled_(now) {}

    bool is_limited() const { return per_second_ != 0; }
    /// One may be taken, as of the last refill.
    bool is_ready() const { return !is_limited() || level_ >= parts; }
    /// Takes `count`, be it there or not.
    void take(std::uint64_t count) {
        if (is_limited()) level_ -= static_cast<std::int64_t>(count) * parts;
    }
    /// Adds what has come since the last time. Time that goes backwards is ignored.
    void refill(Instant now) {
        if (!is_limited() || now <= filled_) return;
        const std::int64_t elapsed_us = (now - filled_).count();
        filled_ = now;
        const bool is_full = elapsed_us >= (full_ - level_) / per_second_ + 1;
        level_ = is_full ? full_ : std::min(full_, level_ + elapsed_us * per_second_);
    }
    /// When it will be ready; not later than now when it is.
    Instant ready_at() const {
        if (is_ready()) return filled_;
        return filled_ + Duration((parts - level_ + per_second_ - 1) / per_second_);
    }

    /// When it will be full; not later than now when it is.
    Instant full_at() const {
        if (!is_limited() || level_ >= full_) return filled_;
        return filled_ + Duration((full_ - level_ + per_second_ - 1) / per_second_);
    }
    /// Another rate from now on, as in the constructor. What has been taken stays taken: it does not become full by it.
    void change(std::uint64_t per_second, std::uint64_t burst) {
        per_second_ = static_cast<std::int64_t>(per_second);
        full_ = static_cast<std::int64_t>(burst == 0 ? per_second : burst) * parts;
        level_ = std::min(level_, full_);
    }

private:
    static constexpr std::int64_t parts = 1'000'000;

    std::int64_t per_second_ = 0;
    std::int64_t full_ = 0;   // parts
    std::int64_t level_ = 0;  // parts; below zero: debt
    Instant filled_{};
};

}  // namespace ledge
