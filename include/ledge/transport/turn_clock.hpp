// TurnClock: the time of the present turn. The machine's clock is read at most once per turn, at the first call of
// now(). The loop owns the object and uses it on its thread.
#pragma once

#include "ledge/base/time.hpp"

namespace ledge::transport {

class TurnClock {
public:
    using Read = Instant (*)();

    /// `shift` is added to the machine's time, so that logical time continues where the store's last run ended.
    explicit TurnClock(Read read, Duration shift = {}) : read_(read), shift_(shift) {}

    Instant now() {
        if (!is_read_) {
            now_ = read_() + shift_;
            is_read_ = true;
        }
        return now_;
    }
    /// Begins a turn, after the loop's wait: the next now() reads the machine's clock again.
    void begin_turn() { is_read_ = false; }
    Duration shift() const { return shift_; }

private:
    Read read_;
    Duration shift_;
    Instant now_{};
    bool is_read_ = false;
};

}  // namespace ledge::transport
