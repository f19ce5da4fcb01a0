// WearAccount: counts the bytes that the store writes to the flash memory, per class and per day. A daily budget makes
// commits for topics with relaxed durability rarer. Used on the shard's thread; time is an argument.
#pragma once

#include <array>
#include <cstdint>

#include "ledge/storage/commit_report.hpp"
#include "ledge/storage/store.hpp"

namespace ledge::storage {

struct WearTotals {
    std::uint64_t commits = 0;
    std::array<std::uint64_t, write_classes> given{};  // bytes handed over, by WriteClass
    std::uint64_t device_bytes = 0;
};

class WearAccount {
public:
    /// `daily_budget_bytes`: device writes per day; 0 = no budget.
    explicit WearAccount(std::uint64_t daily_budget_bytes) : budget_(daily_budget_bytes) {}

    void note(const CommitReport& report, Instant now);

    const WearTotals& totals() const { return totals_; }
    /// Device bytes of the last 24 hours. The window moves in steps of one hour.
    std::uint64_t day_bytes(Instant now);

    /// The interval for commits that no client waits for. Returns `base`, or a longer interval if 24 hours at the
    /// present rate would exceed the budget; at most `widening_max` times `base`.
    Duration lazy_interval(Duration base, Instant now);

    static constexpr int widening_max = 16;

private:
    void advance_to(Instant now);

    static constexpr std::size_t hours = 24;
    std::uint64_t budget_;
    WearTotals totals_;
    std::array<std::uint64_t, hours> by_hour_{};  // device bytes; by_hour_[hour_ % 24] is the present hour
    std::int64_t hour_ = 0;                       // the present hour of logical time
    std::int64_t first_hour_ = -1;                // the first hour that was counted; -1 = none yet
};

}  // namespace ledge::storage
