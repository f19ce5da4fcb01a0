#include "ledge/bridge/backoff.hpp"

#include <algorithm>

#include "ledge/base/assert.hpp"

namespace ledge::bridge {

Backoff::Backoff(const BackoffOptions& options) : options_(options), present_(options.first) {
    LEDGE_ASSERT(options.first > Duration::zero() && options.largest >= options.first);
}

Duration Backoff::next(RetryClass kind, Rng& rng) {
    const auto jittered = [&](Duration whole) {
        const auto half = std::max<Duration::rep>(whole.count() / 2, 1);
        return Duration(half + static_cast<Duration::rep>(rng.below(static_cast<std::uint64_t>(half) + 1)));
    };
    if (kind == RetryClass::at_once && at_once_in_a_row_ < at_once_max) {
        ++at_once_in_a_row_;
        return jittered(options_.first);
    }
    at_once_in_a_row_ = 0;
    const Duration smallest = kind == RetryClass::operator_needed ? options_.operator_smallest : options_.first;
    const Duration pause = std::max(present_, smallest);
    present_ = std::min(present_ * 2, options_.largest);
    return jittered(pause);
}

void Backoff::on_success() {
    present_ = options_.first;
    at_once_in_a_row_ = 0;
}

}  // namespace ledge::bridge
