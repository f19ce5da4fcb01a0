// UserRates: one rate for each user, shared by all connections of this user.
#include "user_rates.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "ledge/auth/identity.hpp"
#include "ledge/base/assert.hpp"

namespace ledge::broker {

void UserRates::join(session::Connection& connection, Instant now) {
    const session::SessionLimits& limits = connection.limits();
    if (!session::UserRate::is_wanted(limits) || connection.session() == nullptr) return;
    const auth::Identity* identity = connection.session()->identity();
    if (identity == nullptr || !identity->user) return;
    LEDGE_ASSERT(connection.read_rate() != nullptr && !connection.read_rate()->has_user());
    connection.read_rate()->join(of(*identity->user, limits, now));
    connection.read_rate()->refill(now);  // the user may have had no connection for a while
}

session::UserRate& UserRates::of(const std::string& user, const session::SessionLimits& limits, Instant now) {
    const auto found = users_.find(user);
    if (found != users_.end()) return *found->second;
    // Only a new user can make the table larger, so only a new user causes the search.
    if (users_.size() >= forget_at_) forget(now);
    return *users_.try_emplace(user, std::make_unique<session::UserRate>(limits, now)).first->second;
}

// Forgets absent users whose rate is full again: a new rate would be the same. If too many absent users are left, those
// whose rate is full soonest are forgotten too, because they gain least by a new rate.
void UserRates::forget(Instant now) {
    boost::unordered::erase_if(
        users_, [now](const auto& user) { return user.second->connections() == 0 && user.second->full_at() <= now; });
    std::vector<std::pair<Instant, const std::string*>> absent;
    for (const auto& [name, rate] : users_)
        if (rate->connections() == 0) absent.emplace_back(rate->full_at(), &name);
    if (absent.size() > absent_max) {
        const auto kept = absent.end() - static_cast<std::ptrdiff_t>(absent_max);
        // The order within the two parts does not matter, so no complete sort is needed.
        std::ranges::nth_element(absent, kept, {}, &std::pair<Instant, const std::string*>::first);
        std::for_each(absent.begin(), kept, [this](const auto& user) { users_.erase(users_.find(*user.second)); });
    }
    forget_at_ = std::max(looked_at_least, 2 * users_.size());  // amortized O(1) for each new user
    LEDGE_ASSERT(forget_at_ > users_.size());
}

}  // namespace ledge::broker
