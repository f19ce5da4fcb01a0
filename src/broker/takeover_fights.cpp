// TakeoverFights: counts takeovers for each client id, and grants the connection that has the session its turn.
#include "takeover_fights.hpp"

#include "ledge/base/assert.hpp"

namespace ledge::broker {

Instant TakeoverFights::turn_of(std::string_view client_id, Instant now) const {
    if (fights_.empty()) return now;
    const auto found = fights_.find(std::string(client_id));
    if (found == fights_.end() || found->second.is_over(now) || found->second.takeovers < free_takeovers) return now;
    return found->second.last + turn_time;
}

std::uint64_t TakeoverFights::note(std::string_view client_id, Instant now) {
    if (fights_.size() >= fights_max) make_room(now);
    Fight& fight = fights_[std::string(client_id)];
    // Takeovers with long pauses between them are usual: a client changes its network and reconnects.
    if (fight.is_over(now)) fight.takeovers = 0;
    fight.last = now;
    return ++fight.takeovers;
}

// Forgetting all fights is harmless: each client identifier only gets its free takeovers again.
void TakeoverFights::make_room(Instant now) {
    boost::unordered::erase_if(fights_, [&](const auto& one) { return one.second.is_over(now); });
    if (fights_.size() >= fights_max) fights_.clear();
    LEDGE_ASSERT(fights_.size() < fights_max);
}

bool TakeoverFights::is_worth_logging(std::uint64_t takeovers) {
    std::uint64_t step = free_takeovers + 1;  // 3, 30, 300 ...
    while (step < takeovers) step *= 10;
    return step == takeovers;
}

}  // namespace ledge::broker
