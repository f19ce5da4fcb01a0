// Access: the rules in force are replaced by others, and everybody who is connected is looked at again.
#pragma once

#include "connections.hpp"
#include "ledge/auth/authenticator.hpp"
#include "session_table.hpp"
#include "subscriptions.hpp"

namespace ledge::broker {

class Access {
public:
    Access(session::Environment& environment, Connections& connections, Subscriptions& subscriptions,
           SessionTable& sessions)
        : environment_(environment), connections_(connections), subscriptions_(subscriptions), sessions_(sessions) {}

    /// No packet is being processed meanwhile.
    void replace(auth::Policy policy);

private:
    void check(session::Connection& connection);
    void check_subscriptions(session::Connection& connection);

    session::Environment& environment_;
    Connections& connections_;
    Subscriptions& subscriptions_;
    SessionTable& sessions_;
};

}  // namespace ledge::broker
