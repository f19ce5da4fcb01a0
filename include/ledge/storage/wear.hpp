// WearAccount: what the store costs the flash, per class and per day, and what a daily budget asks of relaxed topics.
// On the shard's thread; time is an argument.
#pragma once

#include <array>
#include <cstdint>

#include "ledge/storage/store.hpp"

namespace ledge::storage {

struct WearTotals {
    std::uint64_t commits = 0;
    std::array<std::uint64_t, write_classes> given{};  // bytes handed over, by WriteClass
    std::uint64_t device_bytes = 0;
};

class WearAccount {
public:
    /// `daily_budget_bytes` of device writes; 0: none.
    explicit WearAccount(std::uint64_t daily_budget_bytes) : budget_(daily_budget_bytes) {}

    void note(const CommitReport& report, Instant now);

    const WearTotals& totals() const { return totals_; }
    /// Device bytes of the last 24 hours, in steps of an hour.
    std::uint64_t day_bytes(Instant now);

    /// The interval for commits that nobody waits for: `base`, or longer when the day at its present pace would exceed
    /// the budget; at most `widening_max` times `base`.
    Duration lazy_interval(Duration base, Instant now);

    static constexpr int widening_max = 16;

private:
    void turn_to(Instant now);

    static constexpr std::size_t hours = 24;
    std::uint64_t budget_;
    WearTotals totals_;
    std::array<std::uint64_t, hours> by_hour_{};  // device bytes; by_hour_[hour_ % 24] is the present one
    std::int64_t hour_ = 0;                       // of logical time
    std::int64_t first_hour_ = -1;                // of the account
};

}  // namespace ledge::storage
