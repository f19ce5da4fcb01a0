#include "ledge/session/read_rate.hpp"

#include <utility>

namespace ledge::session {

std::uint32_t ReadRate::read_bytes_max(const SessionLimits& limits) {
    constexpr std::uint64_t least = 512;
    constexpr std::uint64_t with_messages = 4096;  // small ones are many in it, and it may have to be kept
    constexpr std::uint64_t most = 64 * 1024;
    std::uint64_t bytes = limits.messages_per_second != 0 ? with_messages : most;
    if (limits.bytes_per_second != 0) {
        const std::uint64_t burst = limits.bytes_burst != 0 ? limits.bytes_burst : limits.bytes_per_second;
        bytes = std::min(bytes, std::max(burst, least));
    }
    return static_cast<std::uint32_t>(bytes);
}

bool ReadRate::pause(Instant now) {
    is_paused_ = true;
    return std::exchange(quiet_at_, now + quiet_time) <= now;
}

std::vector<Byte> ReadRate::resume() {
    is_paused_ = false;
    return std::exchange(kept_, {});
}

}  // namespace ledge::session
