// WearAccount: a ring of 24 hourly sums, and the rate that follows from them.
#include "ledge/storage/wear.hpp"

#include <algorithm>

#include "ledge/base/assert.hpp"

namespace ledge::storage {

void WearAccount::advance_to(Instant now) {
    const std::int64_t hour = std::chrono::duration_cast<std::chrono::hours>(now.time_since_epoch()).count();
    if (first_hour_ < 0) first_hour_ = hour_ = hour;
    // Clears the sums of the hours since the last call; after a day or more, of all hours.
    const std::int64_t passed = std::min<std::int64_t>(hour - hour_, hours);
    for (std::int64_t i = 0; i < passed; ++i) by_hour_[static_cast<std::size_t>(hour - i) % hours] = 0;
    hour_ = std::max(hour_, hour);
    LEDGE_ASSERT(first_hour_ <= hour_);
}

void WearAccount::note(const CommitReport& report, Instant now) {
    advance_to(now);
    ++totals_.commits;
    for (std::size_t i = 0; i < write_classes; ++i) totals_.given[i] += report.given[i];
    totals_.device_bytes += report.device_bytes;
    by_hour_[static_cast<std::size_t>(hour_) % hours] += report.device_bytes;
}

std::uint64_t WearAccount::day_bytes(Instant now) {
    advance_to(now);
    std::uint64_t sum = 0;
    for (const std::uint64_t bytes : by_hour_) sum += bytes;
    return sum;
}

// The rate is the average over the hours since the account began, at most a day. The present hour counts as a full
// hour, so that a burst just after the start is not extrapolated to a whole day.
Duration WearAccount::lazy_interval(Duration base, Instant now) {
    if (budget_ == 0) return base;
    const std::uint64_t bytes = day_bytes(now);
    const auto seen = static_cast<double>(std::min<std::int64_t>(hour_ - first_hour_ + 1, hours));
    const double pace = static_cast<double>(bytes) * hours / seen;
    const double factor = std::clamp(pace / static_cast<double>(budget_), 1.0, double{widening_max});
    return Duration(static_cast<Duration::rep>(static_cast<double>(base.count()) * factor));
}

}  // namespace ledge::storage
