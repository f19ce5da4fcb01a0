#include "access.hpp"

#include "retained_feeds.hpp"

namespace ledge::broker {

using session::Connection;
using wire::ReasonCode;

void Access::replace(auth::Policy policy) {
    services_.policy = std::move(policy);
    services_.guard.set_limits(services_.policy.login);
    sessions_.for_each([&](session::Session& session) { session.take_rules(services_.policy); });
    connections_.for_each([&](Connection& connection) {
        if (connection.is_connected()) check(connection);
    });
}

void Access::check(Connection& connection) {
    const auth::Identity* identity = connection.session()->identity();
    if (identity != nullptr && !auth::is_still_proven(services_.policy, *identity))
        return connection.close(ReasonCode::administrative_action, "the user is gone or has another password");
    const bool is_anonymous = identity == nullptr || !identity->user;
    if (is_anonymous && !connection.peer().listener.allow_anonymous)
        return connection.close(ReasonCode::administrative_action,
                                "the listener lets no anonymous clients in any more (allow_anonymous)");
    if (connection.session()->rights() != nullptr) check_subscriptions(connection);
}

void Access::check_subscriptions(Connection& connection) {
    session::Session& session = *connection.session();
    for (const std::string& filter : subscriptions_.filters_of(session)) {
        const auth::Verdict verdict = session.rights()->judge_subscription(filter);
        if (verdict.is_allowed) continue;
        const std::string rule = session.rights()->explain(verdict);
        if (services_.policy.on_revocation == auth::Revocation::disconnect)
            return connection.close(ReasonCode::not_authorized, "subscription to " + filter, rule);
        subscriptions_.remove(session, filter);
        RetainedFeeds::forget(session, filter);
        services_.log.info("subscription_revoked",
                           {{"client_id", session.client_id()}, {"filter", filter}, {"rule", rule}});
    }
}

}  // namespace ledge::broker
