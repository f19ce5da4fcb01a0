// Access: replaces the policy (users, passwords, rules) of a running shard and applies the new policy to the connected
// clients. Owned by the shard; on the shard's thread.
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

    /// Must not be called while a packet is being processed: the call can close connections.
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
