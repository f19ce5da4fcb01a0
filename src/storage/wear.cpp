#include "ledge/storage/wear.hpp"

#include <algorithm>

namespace ledge::storage {

void WearAccount::turn_to(Instant now) {
    const std::int64_t hour = std::chrono::duration_cast<std::chrono::hours>(now.time_since_epoch()).count();
    if (first_hour_ < 0) first_hour_ = hour_ = hour;
    const std::int64_t passed = std::min<std::int64_t>(hour - hour_, hours);
    for (std::int64_t i = 0; i < passed; ++i) by_hour_[static_cast<std::size_t>(hour - i) % hours] = 0;
    hour_ = std::max(hour_, hour);
}

void WearAccount::note(const CommitReport& report, Instant now) {
    turn_to(now);
    ++totals_.commits;
    for (std::size_t i = 0; i < write_classes; ++i) totals_.given[i] += report.given[i];
    totals_.device_bytes += report.device_bytes;
    by_hour_[static_cast<std::size_t>(hour_) % hours] += report.device_bytes;
}

std::uint64_t WearAccount::day_bytes(Instant now) {
    turn_to(now);
    std::uint64_t sum = 0;
    for (const std::uint64_t bytes : by_hour_) sum += bytes;
    return sum;
}

// The pace of the hours that have passed, the present one counted as whole: a burst just after the start is not taken
// for a day of it.
Duration WearAccount::lazy_interval(Duration base, Instant now) {
    if (budget_ == 0) return base;
    const std::uint64_t bytes = day_bytes(now);
    const auto seen = static_cast<double>(std::min<std::int64_t>(hour_ - first_hour_ + 1, hours));
    const double pace = static_cast<double>(bytes) * hours / seen;
    const double factor = std::clamp(pace / static_cast<double>(budget_), 1.0, double{widening_max});
    return Duration(static_cast<Duration::rep>(static_cast<double>(base.count()) * factor));
}

}  // namespace ledge::storage
