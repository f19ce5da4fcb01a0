// Access: applies a new policy to the clients that are connected. The walk is interrupted when a step has done enough
// work.
#include "access.hpp"

#include <utility>

#include "ledge/auth/authenticator.hpp"
#include "ledge/auth/login_guard.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/base/log.hpp"
#include "ledge/session/listener_options.hpp"
#include "ledge/session/session.hpp"
#include "retained_feeds.hpp"

namespace ledge::broker {

using session::Connection;
using wire::ReasonCode;

void Access::replace(std::shared_ptr<const auth::Policy> policy) {
    LEDGE_ASSERT(policy != nullptr);
    services_.policy = std::move(policy);
    ++services_.policy_version;
    // The limits of failed logins are a part of the policy.
    services_.guard.set_limits(services_.policy->login);
    sessions_.for_each([](session::Session& session) { session.forget_rights(); });
    // A walk that is not finished begins anew, because its first clients were judged by an older policy.
    connections_.walk().begin();
    walk();
}

void Access::walk() {
    work_ = 0;
    while (Connection* connection = connections_.walk().connection()) {
        if (work_ >= work_max || !judge(*connection)) return;  // the next step goes on here
        connections_.walk().go_on();
    }
    // The walk is over. A list of 20,000 filters would otherwise stay in memory until the next policy.
    filters_ = {};
    listed_at_ = 0;
}

/// Checks in the order of their weight: first the login, then each subscription. Returns false when the step ends
/// before the last subscription.
bool Access::judge(Connection& connection) {
    // A new position means a client that this walk has not judged yet.
    const std::uint64_t position = connections_.walk().position();
    if (listed_at_ != position) {
        work_ += work_of_client;
        check_login(connection);
        // A session without rights objects has no rules: it may do everything.
        if (!connection.is_connected() || connection.session()->rights() == nullptr) return true;
        filters_ = subscriptions_.filters_of(*connection.session());
        next_filter_ = 0;
        listed_at_ = position;
    }
    return judge_subscriptions(connection);
}

void Access::check_login(Connection& connection) const {
    if (!connection.is_connected()) return;
    LEDGE_ASSERT(connection.session() != nullptr);
    const auth::Identity* identity = connection.session()->identity();
    if (identity != nullptr && !auth::is_still_proven(*services_.policy, *identity))
        return connection.close(ReasonCode::administrative_action,
                                "the user was removed or has another password since the login");
    const bool is_anonymous = identity == nullptr || !identity->user;
    if (is_anonymous && !connection.peer().listener.allow_anonymous)
        connection.close(ReasonCode::administrative_action,
                         "the listener no longer accepts anonymous clients (allow_anonymous)");
}

bool Access::judge_subscriptions(Connection& connection) {
    // Between two steps the client may have unsubscribed or may be closing. What it has subscribed to since was judged
    // by the new rules then.
    for (; next_filter_ < filters_.size() && connection.is_connected(); ++next_filter_) {
        if (work_ >= work_max) return false;
        const session::Session& session = *connection.session();
        LEDGE_ASSERT(session.rights() != nullptr);
        const std::string& filter = filters_[next_filter_];
        const auth::Verdict verdict = session.rights()->judge_subscription(filter);
        work_ += 1 + verdict.compared;
        if (!verdict.is_allowed && subscriptions_.has(session, filter)) revoke(connection, filter, verdict);
    }
    return true;
}

void Access::revoke(Connection& connection, const std::string& filter, const auth::Verdict& verdict) {
    session::Session& session = *connection.session();
    const std::string rule = session.rights()->explain(verdict);
    if (services_.policy->on_revocation == auth::Revocation::disconnect)
        return connection.close(ReasonCode::not_authorized, "subscription to " + filter, rule);
    subscriptions_.remove(session, filter);
    RetainedFeeds::forget(session, filter);  // retained messages that are still owed for it
    services_.log.info("subscription_revoked",
                       {{"client_id", session.client_id()}, {"filter", filter}, {"rule", rule}});
}

}  // namespace ledge::broker
