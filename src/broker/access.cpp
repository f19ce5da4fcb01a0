#include "access.hpp"

#include "ledge/auth/authenticator.hpp"
#include "ledge/auth/login_guard.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/base/log.hpp"
#include "ledge/session/listener_options.hpp"
#include "retained_feeds.hpp"

namespace ledge::broker {

using session::Connection;
using wire::ReasonCode;

void Access::replace(std::shared_ptr<const auth::Policy> policy) {
    LEDGE_ASSERT(policy != nullptr);
    services_.policy = std::move(policy);
    services_.guard.set_limits(services_.policy->login);
    sessions_.for_each([&](session::Session& session) { session.take_rules(services_.policy); });
    connections_.for_each([&](Connection& connection) {
        if (connection.is_connected()) check(connection);
    });
}

// Checks in the order of their weight: the login itself, then the right to be anonymous, then each subscription.
void Access::check(Connection& connection) {
    LEDGE_ASSERT(connection.session() != nullptr);
    const auth::Identity* identity = connection.session()->identity();
    if (identity != nullptr && !auth::is_still_proven(*services_.policy, *identity))
        return connection.close(ReasonCode::administrative_action,
                                "the user was removed or has another password since the login");
    const bool is_anonymous = identity == nullptr || !identity->user;
    if (is_anonymous && !connection.peer().listener.allow_anonymous)
        return connection.close(ReasonCode::administrative_action,
                                "the listener no longer accepts anonymous clients (allow_anonymous)");
    // A session without rights objects has no rules: it may do everything.
    if (connection.session()->rights() != nullptr) check_subscriptions(connection);
}

void Access::check_subscriptions(Connection& connection) {
    session::Session& session = *connection.session();
    LEDGE_ASSERT(session.rights() != nullptr);
    // filters_of() returns a copy, so the loop may remove subscriptions.
    for (const std::string& filter : subscriptions_.filters_of(session)) {
        const auth::Verdict verdict = session.rights()->judge_subscription(filter);
        if (verdict.is_allowed) continue;
        const std::string rule = session.rights()->explain(verdict);
        if (services_.policy->on_revocation == auth::Revocation::disconnect)
            return connection.close(ReasonCode::not_authorized, "subscription to " + filter, rule);
        subscriptions_.remove(session, filter);
        RetainedFeeds::forget(session, filter);  // retained messages that are still owed for it
        services_.log.info("subscription_revoked",
                           {{"client_id", session.client_id()}, {"filter", filter}, {"rule", rule}});
    }
}

}  // namespace ledge::broker
