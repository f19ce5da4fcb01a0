// CoreTimer: a timer of the shard's wheel that knows which object it wakes. Embedded in that object; on the shard's
// thread.
#pragma once

#include <cstdint>

#include "ledge/base/timer_wheel.hpp"

namespace ledge::session {

struct CoreTimer : Timer {
    enum class Wakes : std::uint8_t { connection, session_expiry, will_delay, sys_topics, retained_sweep };
    CoreTimer(Wakes what, void* whose) : wakes(what), owner(whose) {}
    Wakes wakes;
    void* owner;  // the object to wake; its type follows from `wakes`
};

}  // namespace ledge::session
