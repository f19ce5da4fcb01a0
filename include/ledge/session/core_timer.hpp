// CoreTimer: a timer of the shard's wheel that knows which object it wakes. Embedded in that object; on the shard's
// thread.
#pragma once

#include <cstdint>

#include "ledge/base/assert.hpp"
#include "ledge/base/timer_wheel.hpp"

namespace ledge::session {

class Connection;
class Session;

class CoreTimer : public Timer {
public:
    enum class Wakes : std::uint8_t { connection, session_expiry, will_delay, sys_topics, retained_sweep };

    explicit CoreTimer(Connection& whose) : wakes_(Wakes::connection), connection_(&whose) {}
    CoreTimer(Wakes what, Session& whose) : wakes_(what), session_(&whose) { LEDGE_ASSERT(is_of_session()); }
    /// A timer of the shard itself.
    explicit CoreTimer(Wakes what) : wakes_(what), session_(nullptr) {
        LEDGE_ASSERT(what == Wakes::sys_topics || what == Wakes::retained_sweep);
    }

    Wakes wakes() const { return wakes_; }
    /// Requires that the timer wakes a connection.
    Connection& connection() const {
        LEDGE_ASSERT(wakes_ == Wakes::connection);
        return *connection_;
    }
    /// Requires that the timer wakes a session.
    Session& session() const {
        LEDGE_ASSERT(is_of_session());
        return *session_;
    }

private:
    bool is_of_session() const { return wakes_ == Wakes::session_expiry || wakes_ == Wakes::will_delay; }

    Wakes wakes_;
    union {  // wakes_ tells which; one pointer keeps a hundred thousand idle connections small
        Connection* connection_;
        Session* session_;
    };
};

}  // namespace ledge::session
