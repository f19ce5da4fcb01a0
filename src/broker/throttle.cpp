// Throttle: the list of connections that are not read for a while, because they have used up their rate.
#include "throttle.hpp"

#include <algorithm>
#include <utility>

#include "ledge/auth/identity.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/session/limits.hpp"
#include "ledge/session/listener_options.hpp"

namespace ledge::broker {

namespace {

// The next multiple of Throttle::grain that is not before `instant`.
Instant on_grid(Instant instant) {
    const Duration since = instant.time_since_epoch();
    const auto grains = (since + Throttle::grain - Duration(1)) / Throttle::grain;
    return Instant(grains * Throttle::grain);
}

}  // namespace

void Throttle::pause(session::Connection& connection, Instant now) {
    LEDGE_ASSERT(connection.read_rate() != nullptr);
    session::ReadRate& rate = *connection.read_rate();
    ++services_.counters.read_pauses;
    if (rate.pause(now)) report(connection);  // only the first pause of an episode is logged
    // On the grid, so that many pauses end in one turn of the loop and not in as many turns as there are connections.
    const Instant due = on_grid(std::max(rate.ready_at(), now + Duration(1)));
    deadline_ = paused_.empty() ? due : std::min(deadline_, due);
    paused_.push_back(&connection);
}

void Throttle::report(const session::Connection& connection) {
    const session::Session* session = connection.session();
    const std::string_view client_id = session == nullptr ? std::string_view() : session->client_id();
    const session::SessionLimits& limits = connection.limits();
    // Either the connection has used up its own rate, or its user has used up the rate of all his connections.
    if (!connection.read_rate()->is_waiting_for_user()) {
        ++services_.counters.clients_throttled;
        return services_.log.info("client_throttled", {{"client_id", client_id},
                                                       {"address", connection.peer().address},
                                                       {"listener", connection.peer().listener.name},
                                                       {"messages_per_second", limits.messages_per_second},
                                                       {"bytes_per_second", limits.bytes_per_second}});
    }
    ++services_.counters.users_throttled;
    services_.log.info("user_throttled", {{"user", *session->identity()->user},
                                          {"connections", connection.read_rate()->user()->connections()},
                                          {"client_id", client_id},
                                          {"address", connection.peer().address},
                                          {"listener", connection.peer().listener.name},
                                          {"user_messages_per_second", limits.user_messages_per_second},
                                          {"user_bytes_per_second", limits.user_bytes_per_second}});
}

void Throttle::forget(const session::Connection& connection) {
    if (connection.read_rate() == nullptr || !connection.read_rate()->is_paused()) return;
    std::erase(paused_, &connection);
    looked_ = 0;  // positions have changed: the next call of pop_due() begins a new round
}

session::Connection* Throttle::pop_due(Instant now) {
    if (next_deadline() > now) return nullptr;
    while (looked_ < paused_.size()) {
        session::Connection*& place = paused_[looked_++];
        // This connection was resumed earlier in the round.
        if (place == nullptr) continue;
        session::ReadRate& rate = *place->read_rate();
        LEDGE_ASSERT(rate.is_paused());
        rate.refill(now);
        if (rate.may_resume()) return std::exchange(place, nullptr);
    }
    end_round(now);
    return nullptr;
}

// Removes the connections that were resumed, and computes when the next pause ends.
void Throttle::end_round(Instant now) {
    LEDGE_ASSERT(looked_ == paused_.size());
    std::erase(paused_, nullptr);
    looked_ = 0;
    // Computed again from the rest, because the earliest of the old pauses has ended.
    deadline_ = never;
    for (const session::Connection* connection : paused_)
        deadline_ = std::min(deadline_, on_grid(std::max(connection->read_rate()->ready_at(), now + Duration(1))));
}

}  // namespace ledge::broker
