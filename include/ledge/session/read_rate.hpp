// Read rate: how fast one connection is read. A client that sends faster is not read for a while (back-pressure: its
// own socket fills), nothing of it is dropped. What has been read already, at most one read, is kept until its turn.
// A rate of its user's, which it shares with his other connections, holds on top of its own.
#pragma once

#include <cstdint>
#include <vector>

#include "ledge/base/bytes.hpp"
#include "ledge/base/token_bucket.hpp"
#include "ledge/session/limits.hpp"
#include "ledge/session/user_rate.hpp"

namespace ledge::session {

class ReadRate {
public:
    static constexpr Duration quiet_time = 10s;  // without a pause, until the next one is a new episode

    static bool is_wanted(const SessionLimits& limits) {
        return limits.messages_per_second != 0 || limits.bytes_per_second != 0 || UserRate::is_wanted(limits);
    }

    /// `limits` outlive it.
    ReadRate(const SessionLimits& limits, Instant now)
        : limits_(limits),
          messages_(limits.messages_per_second, limits.messages_burst, now),
          bytes_(limits.bytes_per_second, limits.bytes_burst, now) {}
    ~ReadRate();
    ReadRate(const ReadRate&) = delete;
    ReadRate& operator=(const ReadRate&) = delete;

    /// Bytes to be read at once: not much more than what may be used at once.
    static std::uint32_t read_bytes_max(const SessionLimits& limits);

    /// The client has proven to be this user, who outlives it. Once.
    void join(UserRate& user);
    bool has_user() const { return user_ != nullptr; }

    /// Bytes are paid for when they are read, to the user when they are looked at: what is kept of one connection is no
    /// debt of the others.
    void take_bytes(std::size_t count) { bytes_.take(count); }
    void take_messages(std::uint64_t count) { messages_.take(count); }
    void take_of_user(std::uint64_t messages, std::size_t bytes) { user_->take(messages, bytes); }
    void refill(Instant now) {
        messages_.refill(now);
        bytes_.refill(now);
        if (user_ != nullptr) user_->refill(now);
    }
    /// The next packet may be looked at, as of the last refill.
    bool may_take_packet() const { return messages_.is_ready() && is_ready_for_user(); }
    /// The next bytes may be read, as of the last refill.
    bool may_read() const { return is_ready_itself() && is_ready_for_user(); }
    Instant ready_at() const {
        const Instant own = std::max(messages_.ready_at(), bytes_.ready_at());
        return user_ == nullptr ? own : std::max(own, user_->ready_at());
    }

    bool is_paused() const { return is_paused_; }
    /// True for the first pause of an episode, of the user if it is he who has to wait.
    bool pause(Instant now);
    /// It waits for its user only, not for its own rate.
    bool is_waiting_for_user() const { return is_waiting_for_user_; }
    /// Whether a pause may end, for the one who has waited longest of those that are asked.
    bool may_resume();
    /// What was kept; it may be read again. Then end_turn(), when that has been looked at.
    std::vector<Byte> resume();
    void end_turn() { has_turn_ = false; }

    void keep(Bytes bytes) { kept_.insert(kept_.end(), bytes.begin(), bytes.end()); }

    const UserRate* user() const { return user_; }

private:
    bool is_ready_itself() const { return messages_.is_ready() && bytes_.is_ready(); }
    bool is_ready_for_user() const {
        return user_ == nullptr || (user_->is_ready() && (has_turn_ || !user_->is_awaited()));
    }
    void set_waiting_for_user(bool is_waiting);

    const SessionLimits& limits_;
    TokenBucket messages_;
    TokenBucket bytes_;
    std::vector<Byte> kept_;
    Instant quiet_at_ = Instant::min();
    UserRate* user_ = nullptr;
    bool is_paused_ = false;
    bool is_waiting_for_user_ = false;
    bool has_turn_ = false;  // those that wait for the user let it pass
};

}  // namespace ledge::session
