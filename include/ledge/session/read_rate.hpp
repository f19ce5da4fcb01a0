// Read rate: how fast one connection is read. A client that sends faster is not read for a while (back-pressure: its
// own socket fills), nothing of it is dropped. What has been read already, at most one read, is kept until its turn.
#pragma once

#include <cstdint>
#include <vector>

#include "ledge/base/bytes.hpp"
#include "ledge/base/token_bucket.hpp"
#include "ledge/session/limits.hpp"

namespace ledge::session {

class ReadRate {
public:
    static constexpr Duration quiet_time = 10s;  // without a pause, until the next one is a new episode

    static bool is_wanted(const SessionLimits& limits) {
        return limits.messages_per_second != 0 || limits.bytes_per_second != 0;
    }

    ReadRate(const SessionLimits& limits, Instant now)
        : messages_(limits.messages_per_second, limits.messages_burst, now),
          bytes_(limits.bytes_per_second, limits.bytes_burst, now) {}

    /// Bytes to be read at once: not much more than what may be used at once.
    static std::uint32_t read_bytes_max(const SessionLimits& limits);

    void take_bytes(std::size_t count) { bytes_.take(count); }
    void take_messages(std::uint64_t count) { messages_.take(count); }
    void refill(Instant now) {
        messages_.refill(now);
        bytes_.refill(now);
    }
    /// The next packet may be looked at, as of the last refill.
    bool may_take_packet() const { return messages_.is_ready(); }
    /// The next bytes may be read, as of the last refill.
    bool may_read() const { return messages_.is_ready() && bytes_.is_ready(); }
    Instant ready_at() const { return std::max(messages_.ready_at(), bytes_.ready_at()); }

    bool is_paused() const { return is_paused_; }
    /// True for the first pause of an episode.
    bool pause(Instant now);
    /// What was kept; it may be read again.
    std::vector<Byte> resume();

    void keep(Bytes bytes) { kept_.insert(kept_.end(), bytes.begin(), bytes.end()); }

private:
    TokenBucket messages_;
    TokenBucket bytes_;
    std::vector<Byte> kept_;
    Instant quiet_at_ = Instant::min();
    bool is_paused_ = false;
};

}  // namespace ledge::session
