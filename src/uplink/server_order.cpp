#include "ledge/uplink/server_order.hpp"

#include <algorithm>
#include <utility>

#include "ledge/base/assert.hpp"

namespace ledge::uplink {

ServerOrder::ServerOrder(std::size_t count, Duration return_first, Duration return_largest)
    : count_(count), return_first_(return_first), return_largest_(return_largest), return_pause_(return_first) {
    LEDGE_ASSERT(count > 0 && return_first > Duration::zero() && return_largest >= return_first);
}

bool ServerOrder::on_failure() {
    probe_at_ = never;
    // A connection that has worked says that its server works, but the first server may work again by now.
    const bool was_proven = std::exchange(is_proven_, false);
    const bool is_round_over = was_proven || current_ + 1 == count_;
    current_ = is_round_over ? 0 : current_ + 1;
    LEDGE_ASSERT(current_ < count_);
    return !is_round_over;
}

void ServerOrder::on_proven(Instant now, Rng& rng) {
    is_proven_ = true;
    if (current_ != 0) return set_probe(now, rng);
    return_pause_ = return_first_;
    probe_at_ = never;
}

void ServerOrder::on_probe_failed(Instant now, Rng& rng) {
    LEDGE_ASSERT(current_ != 0);
    lengthen_pause();
    set_probe(now, rng);
}

void ServerOrder::on_return() {
    LEDGE_ASSERT(current_ != 0);
    lengthen_pause();
    current_ = 0;
    is_proven_ = false;
    probe_at_ = never;
}

void ServerOrder::on_rest() {
    current_ = 0;
    is_proven_ = false;
    probe_at_ = never;
}

/// Half to all of the pause, by chance, so that many gateways do not return at the same moment.
void ServerOrder::set_probe(Instant now, Rng& rng) {
    const auto half = std::max<Duration::rep>(return_pause_.count() / 2, 1);
    probe_at_ = now + Duration(half + static_cast<Duration::rep>(rng.below(static_cast<std::uint64_t>(half) + 1)));
}

void ServerOrder::lengthen_pause() { return_pause_ = std::min(return_pause_ * 2, return_largest_); }

}  // namespace ledge::uplink
