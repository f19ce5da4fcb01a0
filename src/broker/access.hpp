// Access: replaces the policy (users, passwords, rules) of a running shard and applies the new policy to the connected
// clients. Owned by the shard; on the shard's thread.
#pragma once

#include <memory>

#include "connections.hpp"
#include "session_table.hpp"
#include "subscriptions.hpp"

namespace ledge {
class Log;
}  // namespace ledge

namespace ledge::auth {
class LoginGuard;
struct Policy;
}  // namespace ledge::auth

namespace ledge::broker {

class Access {
public:
    struct Services {
        const Log& log;
        std::shared_ptr<const auth::Policy>& policy;  // the policy in force
        auth::LoginGuard& guard;
    };

    Access(const Services& services, Connections& connections, Subscriptions& subscriptions, SessionTable& sessions)
        : services_(services), connections_(connections), subscriptions_(subscriptions), sessions_(sessions) {}

    /// `policy` is not nullptr. Must not be called while a packet is being processed: the call can close connections.
    void replace(std::shared_ptr<const auth::Policy> policy);

private:
    void check(session::Connection& connection);
    void check_subscriptions(session::Connection& connection);

    Services services_;
    Connections& connections_;
    Subscriptions& subscriptions_;
    SessionTable& sessions_;
};

}  // namespace ledge::broker
