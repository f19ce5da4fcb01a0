// TurnClock: the time of this turn. Read from the machine at most once a turn, when somebody first asks.
#pragma once

#include "ledge/base/time.hpp"

namespace ledge::transport {

class TurnClock {
public:
    using Read = Instant (*)();

    explicit TurnClock(Read read) : read_(read) {}

    Instant now() {
        if (!is_read_) {
            now_ = read_();
            is_read_ = true;
        }
        return now_;
    }
    /// What was waited for has happened: the next now() asks again.
    void begin_turn() { is_read_ = false; }

private:
    Read read_;
    Instant now_{};
    bool is_read_ = false;
};

}  // namespace ledge::transport
