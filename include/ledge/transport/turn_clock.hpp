// TurnClock: the time of this turn. Read from the machine at most once a turn, when somebody first asks.
#pragma once

#include "ledge/base/time.hpp"

namespace ledge::transport {

class TurnClock {
public:
    using Read = Instant (*)();

    /// `shift` is added to what is read: logical time goes on where a store left it.
    explicit TurnClock(Read read, Duration shift = {}) : read_(read), shift_(shift) {}

    Instant now() {
        if (!is_read_) {
            now_ = read_() + shift_;
            is_read_ = true;
        }
        return now_;
    }
    /// What was waited for has happened: the next now() asks again.
    void begin_turn() { is_read_ = false; }
    Duration shift() const { return shift_; }

private:
    Read read_;
    Duration shift_;
    Instant now_{};
    bool is_read_ = false;
};

}  // namespace ledge::transport
