#include "ledge/session/read_rate.hpp"

#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/session/limits.hpp"

namespace ledge::session {

bool ReadRate::is_wanted(const SessionLimits& limits) {
    return limits.messages_per_second != 0 || limits.bytes_per_second != 0 || UserRate::is_wanted(limits);
}

ReadRate::ReadRate(const SessionLimits& limits, Instant now)
    : limits_(limits),
      messages_(limits.messages_per_second, limits.messages_burst, now),
      bytes_(limits.bytes_per_second, limits.bytes_burst, now) {}

ReadRate::~ReadRate() {
    if (user_ == nullptr) return;
    set_waiting_for_user(false);
    user_->leave(limits_);
}

std::uint32_t ReadRate::read_bytes_max(const SessionLimits& limits) {
    constexpr std::uint64_t least = 512;
    constexpr std::uint64_t with_messages = 4096;  // may contain many small messages, and may have to be kept in memory
    constexpr std::uint64_t most = 64 * 1024;
    const bool counts_messages = limits.messages_per_second != 0 || limits.user_messages_per_second != 0;
    std::uint64_t bytes = counts_messages ? with_messages : most;
    const auto bound_by = [&](std::uint64_t per_second, std::uint64_t burst) {
        if (per_second != 0) bytes = std::min(bytes, std::max(burst != 0 ? burst : per_second, least));
    };
    bound_by(limits.bytes_per_second, limits.bytes_burst);
    bound_by(limits.user_bytes_per_second, limits.user_bytes_burst);
    return static_cast<std::uint32_t>(bytes);
}

void ReadRate::join(UserRate& user) {
    LEDGE_ASSERT(user_ == nullptr);
    user_ = &user;
    user.join(limits_);
}

bool ReadRate::pause(Instant now) {
    is_paused_ = true;
    has_turn_ = false;
    // A connection whose own rate is used up does not wait for the user, so the other connections of the user do not
    // wait behind it.
    set_waiting_for_user(is_ready_itself() && user_ != nullptr);
    return is_waiting_for_user_ ? user_->pause(now) : std::exchange(quiet_at_, now + quiet_time) <= now;
}

bool ReadRate::may_resume() {
    const bool is_ready = is_ready_itself();
    const bool is_user_ready = user_ == nullptr || user_->is_ready();
    set_waiting_for_user(is_ready && !is_user_ready);
    return is_ready && is_user_ready;
}

std::vector<Byte> ReadRate::resume() {
    is_paused_ = false;
    has_turn_ = true;
    set_waiting_for_user(false);
    return std::exchange(kept_, {});
}

void ReadRate::set_waiting_for_user(bool is_waiting) {
    if (is_waiting == is_waiting_for_user_) return;
    LEDGE_ASSERT(user_ != nullptr);
    is_waiting_for_user_ = is_waiting;
    is_waiting ? user_->wait() : user_->wait_no_more();
}

}  // namespace ledge::session
