// Read rate: limits how fast one connection is read. A client that sends faster is not read for a while, so TCP slows
// the client down (backpressure); nothing is dropped. Bytes that were read already, at most those of one read, are kept
// until the pause ends. The rate of the user, which all connections of the user share, holds in addition to the rate of
// the connection. Owned by the connection, on the shard's thread.
#pragma once

#include <cstdint>
#include <vector>

#include "ledge/base/bytes.hpp"
#include "ledge/base/token_bucket.hpp"
#include "ledge/session/user_rate.hpp"

namespace ledge::session {

class ReadRate {
public:
    static constexpr Duration quiet_time = 10s;  // a pause begins a new episode after this time without a pause

    static bool is_wanted(const SessionLimits& limits);

    /// `limits` must outlive this object.
    ReadRate(const SessionLimits& limits, Instant now);
    ~ReadRate();
    ReadRate(const ReadRate&) = delete;
    ReadRate& operator=(const ReadRate&) = delete;

    /// The largest number of bytes for one read. Not much more than the limits allow at once.
    static std::uint32_t read_bytes_max(const SessionLimits& limits);

    /// The client has proven to be this user. `user` must outlive this object. Called at most once.
    void join(UserRate& user);
    bool has_user() const { return user_ != nullptr; }

    /// The connection pays for bytes when they are read. The user pays for them only when they are processed, so that
    /// the kept bytes of one connection do not slow down the others.
    void charge_bytes(std::size_t count) { bytes_.take(count); }
    void charge_messages(std::uint64_t count) { messages_.take(count); }
    void charge_user(std::uint64_t messages, std::size_t bytes) { user_->take(messages, bytes); }
    void refill(Instant now) {
        messages_.refill(now);
        bytes_.refill(now);
        if (user_ != nullptr) user_->refill(now);
    }
    /// True when the next packet may be processed, as of the last refill.
    bool may_take_packet() const { return messages_.is_ready() && is_ready_for_user(); }
    /// True when the next bytes may be read, as of the last refill.
    bool may_read() const { return is_ready_itself() && is_ready_for_user(); }
    Instant ready_at() const {
        const Instant own = std::max(messages_.ready_at(), bytes_.ready_at());
        return user_ == nullptr ? own : std::max(own, user_->ready_at());
    }

    bool is_paused() const { return is_paused_; }
    /// Begins a pause. True for the first pause of an episode. The episode is the user's if the connection waits for
    /// the rate of the user only.
    bool pause(Instant now);
    /// True when the connection waits for the rate of its user only, not for its own rate.
    bool is_waiting_for_user() const { return is_waiting_for_user_; }
    /// True when the pause may end. The caller asks the connections in the order in which their pauses began.
    bool may_resume();
    /// Ends the pause and returns the bytes that were kept. The caller processes them, and then calls end_turn().
    std::vector<Byte> resume();
    void end_turn() { has_turn_ = false; }

    /// Keeps bytes until resume().
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
    bool has_turn_ = false;  // from resume() to end_turn(): comes before the connections that wait for the user
};

}  // namespace ledge::session
