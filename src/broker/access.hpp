// Access: replaces the policy (users, passwords, rules) of a running shard and applies the new policy to the connected
// clients. The rights of every client are those of the new policy at once, because sessions look them up. What remains
// is to revoke: to disconnect clients and to remove subscriptions that the new policy forbids. A walk through the
// connected clients does this, in steps of bounded work. Owned by the shard; on the shard's thread.
//
//     replace() ──► [ walk: one step ] ──on_time, while clients are left──► walk: the next step ... ──► done
//                         ▲                             │
//                         └──────── replace() ──────────┘   the walk begins anew
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "connections.hpp"
#include "session_table.hpp"
#include "subscriptions.hpp"

namespace ledge {
class Log;
}  // namespace ledge

namespace ledge::auth {
class LoginGuard;
struct Policy;
struct Verdict;
}  // namespace ledge::auth

namespace ledge::broker {

class Access {
public:
    /// The work of one step: clients, subscriptions, and rules compared with wildcard filters. A step may exceed it by
    /// one filter, which has Acl::rules_max comparisons at most, and by listing the filters of one session.
    static constexpr std::uint64_t work_max = 4096;
    static constexpr std::uint64_t work_of_client = 16;  // a client may be disconnected, which costs more than a look
    static_assert(work_of_client <= work_max);

    struct Services {
        const Log& log;
        std::shared_ptr<const auth::Policy>& policy;  // the policy in force
        std::uint64_t& policy_version;
        auth::LoginGuard& guard;
    };

    Access(const Services& services, Connections& connections, Subscriptions& subscriptions, SessionTable& sessions)
        : services_(services), connections_(connections), subscriptions_(subscriptions), sessions_(sessions) {}

    /// Puts the policy in force and does the first step of the walk. `policy` is not nullptr. Must not be called while
    /// a packet is being processed: the call can close connections.
    void replace(std::shared_ptr<const auth::Policy> policy);
    /// True while connected clients are left that were not judged by the policy.
    bool is_walking() const { return connections_.walk().connection() != nullptr; }
    /// Does the next step of the walk. Must not be called while a packet is being processed.
    void walk();
    /// Closes the connection if the policy does not accept its login. For a client that acts during the walk.
    void check_login(session::Connection& connection) const;

private:
    bool judge(session::Connection& connection);
    bool judge_subscriptions(session::Connection& connection);
    void revoke(session::Connection& connection, const std::string& filter, const auth::Verdict& verdict);

    Services services_;
    Connections& connections_;
    Subscriptions& subscriptions_;
    SessionTable& sessions_;
    std::uint64_t work_ = 0;            // of the present step
    std::vector<std::string> filters_;  // the subscriptions of the client that the walk has reached
    std::size_t next_filter_ = 0;       // the first of them that was not judged yet
    std::uint64_t listed_at_ = 0;       // the position of the walk that `filters_` belongs to; 0 = none
};

}  // namespace ledge::broker
