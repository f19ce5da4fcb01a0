// Access: the rules in force are replaced by others, and everybody who is connected is looked at again.
#pragma once

#include "connections.hpp"
#include "ledge/auth/authenticator.hpp"
#include "ledge/base/log.hpp"
#include "session_table.hpp"
#include "subscriptions.hpp"

namespace ledge::broker {

class Access {
public:
    struct Services {
        const Log& log;
        auth::Policy& policy;
        auth::LoginGuard& guard;
    };

    Access(const Services& services, Connections& connections, Subscriptions& subscriptions, SessionTable& sessions)
        : services_(services), connections_(connections), subscriptions_(subscriptions), sessions_(sessions) {}

    /// No packet is being processed meanwhile.
    void replace(auth::Policy policy);

private:
    void check(session::Connection& connection);
    void check_subscriptions(session::Connection& connection);

    Services services_;
    Connections& connections_;
    Subscriptions& subscriptions_;
    SessionTable& sessions_;
};

}  // namespace ledge::broker
