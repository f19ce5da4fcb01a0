#include "ledge/bridge/round_trip.hpp"

#include <algorithm>
#include <utility>

namespace ledge::bridge {

void RoundTrip::on_sent(wire::PacketId id, Instant now) {
    if (timed_ != 0) return;
    timed_ = id;
    sent_at_ = now;
}

void RoundTrip::on_answer(wire::PacketId id, Instant now) {
    if (timed_ == 0 || timed_ != id) return;
    timed_ = 0;
    note(now - sent_at_, now);
}

void RoundTrip::note(Duration taken, Instant now) {
    turn_window(now);
    mean_ = mean_ ? *mean_ + (taken - *mean_) / 8 : taken;
    max_ = max_ ? std::max(*max_, taken) : taken;
}

/// Two windows instead of a list of times: the memory is constant, and the figure forgets after two minutes.
void RoundTrip::turn_window(Instant now) {
    if (now < window_began_ + window) return;
    const bool is_next = now < window_began_ + 2 * window;
    former_max_ = is_next ? max_ : std::nullopt;
    max_ = std::nullopt;
    window_began_ = now;
}

std::optional<Duration> RoundTrip::max(Instant now) const {
    RoundTrip seen = *this;
    seen.turn_window(now);
    if (!seen.max_ || !seen.former_max_) return seen.max_ ? seen.max_ : seen.former_max_;
    return std::max(*seen.max_, *seen.former_max_);
}

}  // namespace ledge::bridge
