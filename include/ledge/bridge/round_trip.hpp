// RoundTrip: how long an upstream takes to answer, measured as TCP does (RFC 6298): one packet at a time is timed, so
// the measurement needs no memory per message. Owned by Relay.
//
//     timed packet    answer              when
//     PUBLISH         PUBACK or PUBREC    no other PUBLISH is being timed
//     PINGREQ         PINGRESP            no PUBLISH is unanswered
#pragma once

#include <cstdint>
#include <optional>

#include "ledge/base/time.hpp"
#include "ledge/wire/packets.hpp"

namespace ledge::bridge {

class RoundTrip {
public:
    static constexpr Duration window = 60s;  // max() is that of the last one to two windows

    /// A PUBLISH with this id was sent. It is timed unless another one is.
    void on_sent(wire::PacketId id, Instant now);
    /// The PUBLISH was answered for the first time.
    void on_answer(wire::PacketId id, Instant now);
    /// A packet without an id, sent at `sent`, was answered.
    void on_answer_since(Instant sent, Instant now) { note(now - sent, now); }
    /// The connection has ended. What was measured stays.
    void on_end() { timed_ = 0; }

    /// The smoothed mean; nullopt = no answer has come yet. One answer has the weight 1/8.
    std::optional<Duration> mean() const { return mean_; }
    /// The longest of the last one to two minutes; nullopt = no timed answer has come in this time.
    std::optional<Duration> max(Instant now) const;

private:
    void note(Duration taken, Instant now);
    void turn_window(Instant now);

    wire::PacketId timed_ = 0;  // 0 = no PUBLISH is timed
    Instant sent_at_{};
    std::optional<Duration> mean_;
    Instant window_began_{};
    std::optional<Duration> max_;         // of the present window
    std::optional<Duration> former_max_;  // of the window before
};

}  // namespace ledge::bridge
