#include "ledge/bridge/queue_age.hpp"

#include <algorithm>

#include "ledge/base/assert.hpp"

namespace ledge::bridge {

void QueueAge::note(std::uint64_t last, std::uint64_t oldest, Instant now) {
    LEDGE_ASSERT(points_.empty() || now >= points_.back().at);
    if (points_.empty() || last < points_.back().last) {
        points_.assign(1, {last, now});
        first_row_ = last;
        first_at_ = now;
        return;
    }
    // Of a time without arrivals only both ends matter: its end moves on, so that the next row is not dated back.
    const std::size_t count = points_.size();
    const bool is_pause = count >= 2 && points_[count - 2].last == last;
    if (is_pause)
        points_.back() = {last, now};
    else if (now > points_.back().at)
        points_.push_back({last, now});
    else
        points_.back().last = last;
    forget_before(oldest == 0 ? last + 1 : oldest);
    if (points_.size() > points_max) thin_out();
}

/// Points that no row in the queue needs any more.
void QueueAge::forget_before(std::uint64_t oldest) {
    std::size_t gone = 0;
    while (gone + 1 < points_.size() && points_[gone + 1].last < oldest) ++gone;
    points_.erase(points_.begin(), points_.begin() + static_cast<std::ptrdiff_t>(gone));
}

/// Of two neighbours that lie close together, compared with their age, the earlier one is dropped. So the points stay
/// dense near the present, where an exact age matters, and each of them lies within a fraction of its age.
void QueueAge::thin_out() {
    const Instant now = points_.back().at;
    std::size_t closest = 1;
    double smallest = 0;
    for (std::size_t i = 1; i + 1 < points_.size(); ++i) {
        const auto gap = static_cast<double>((points_[i + 1].at - points_[i - 1].at).count());
        const auto age = static_cast<double>((now - points_[i - 1].at).count());
        const double share = gap / age;
        if (i > 1 && share >= smallest) continue;
        closest = i;
        smallest = share;
    }
    points_.erase(points_.begin() + static_cast<std::ptrdiff_t>(closest));
}

QueueAge::Age QueueAge::age_of(std::uint64_t oldest, Instant now) const {
    if (oldest == 0 || points_.empty()) return {};
    if (oldest <= first_row_) return {now - first_at_, true};
    const auto after =
        std::find_if(points_.begin(), points_.end(), [&](const Point& one) { return one.last >= oldest; });
    // The row has come after the last point, or points of its time were forgotten because the queue was empty.
    if (after == points_.end()) return {now - points_.back().at, false};
    if (after == points_.begin()) return {now - after->at, false};
    const Point& before = *(after - 1);
    const double rows = static_cast<double>(after->last - before.last);
    const double share = static_cast<double>(oldest - before.last) / rows;
    const auto passed = static_cast<double>((after->at - before.at).count()) * share;
    return {now - before.at - Duration(static_cast<Duration::rep>(passed)), false};
}

}  // namespace ledge::bridge
