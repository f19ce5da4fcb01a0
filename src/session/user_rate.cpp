#include "ledge/session/user_rate.hpp"

#include <algorithm>
#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/session/limits.hpp"
#include "ledge/session/read_rate.hpp"

namespace ledge::session {

namespace {

// Lowers `value` to `other`. 0 means no limit.
void lower(std::uint64_t& value, std::uint64_t other) {
    if (other != 0) value = value == 0 ? other : std::min(value, other);
}

struct Values {
    std::uint64_t per_second = 0;
    std::uint64_t burst = 0;

    void narrow_to(std::uint64_t other_per_second, std::uint64_t other_burst) {
        if (other_per_second == 0) return;  // a burst without a rate means nothing
        lower(per_second, other_per_second);
        lower(burst, other_burst != 0 ? other_burst : other_per_second);
    }
};

}  // namespace

bool UserRate::is_wanted(const SessionLimits& limits) {
    return limits.user_messages_per_second != 0 || limits.user_bytes_per_second != 0;
}

UserRate::UserRate(const SessionLimits& limits, Instant now)
    : messages_(limits.user_messages_per_second, limits.user_messages_burst, now),
      bytes_(limits.user_bytes_per_second, limits.user_bytes_burst, now) {}

void UserRate::join(const SessionLimits& limits) {
    const auto found = std::ranges::find(uses_, &limits, &ListenerUse::limits);
    if (found != uses_.end()) {
        ++found->connections;
        return;
    }
    uses_.push_back({&limits, 1});
    adjust();
}

// After the last connection the values stay: the tokens that were taken must return at the rate at which they were
// taken, so that a reconnect does not refill the buckets.
void UserRate::leave(const SessionLimits& limits) {
    const auto found = std::ranges::find(uses_, &limits, &ListenerUse::limits);
    LEDGE_ASSERT(found != uses_.end() && found->connections > 0);
    if (--found->connections != 0) return;
    uses_.erase(found);
    if (!uses_.empty()) adjust();
}

std::uint32_t UserRate::connections() const {
    std::uint32_t count = 0;
    for (const ListenerUse& use : uses_) count += use.connections;
    return count;
}

void UserRate::adjust() {
    Values messages;
    Values bytes;
    for (const ListenerUse& use : uses_) {
        const SessionLimits& limits = *use.limits;
        messages.narrow_to(limits.user_messages_per_second, limits.user_messages_burst);
        bytes.narrow_to(limits.user_bytes_per_second, limits.user_bytes_burst);
    }
    messages_.change(messages.per_second, messages.burst);
    bytes_.change(bytes.per_second, bytes.burst);
}

bool UserRate::pause(Instant now) { return std::exchange(quiet_at_, now + ReadRate::quiet_time) <= now; }

}  // namespace ledge::session
