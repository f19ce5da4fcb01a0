#include "throttle.hpp"

#include <algorithm>

namespace ledge::broker {

namespace {

Instant on_grid(Instant instant) {
    const Duration since = instant.time_since_epoch();
    const auto grains = (since + Throttle::grain - Duration(1)) / Throttle::grain;
    return Instant(grains * Throttle::grain);
}

}  // namespace

void Throttle::pause(session::Connection& connection, Instant now) {
    session::ReadRate& rate = *connection.read_rate();
    ++environment_.counters.read_pauses;
    if (rate.pause(now)) {
        ++environment_.counters.clients_throttled;
        environment_.log.info("client_throttled",
                              {{"client_id", connection.session() == nullptr ? "" : connection.session()->client_id()},
                               {"address", connection.address()},
                               {"listener", connection.listener().name},
                               {"messages_per_second", connection.limits().messages_per_second},
                               {"bytes_per_second", connection.limits().bytes_per_second}});
    }
    const Instant due = on_grid(std::max(rate.ready_at(), now + Duration(1)));
    deadline_ = paused_.empty() ? due : std::min(deadline_, due);
    paused_.push_back(&connection);
}

void Throttle::forget(const session::Connection& connection) {
    if (connection.read_rate() == nullptr || !connection.read_rate()->is_paused()) return;
    std::erase(paused_, &connection);
    looked_ = 0;
}

session::Connection* Throttle::take_due(Instant now) {
    if (next_deadline() > now) return nullptr;
    for (; looked_ < paused_.size(); ++looked_) {
        session::Connection* connection = paused_[looked_];
        session::ReadRate& rate = *connection->read_rate();
        rate.refill(now);
        if (!rate.may_read()) continue;
        paused_[looked_] = paused_.back();
        paused_.pop_back();
        return connection;
    }
    looked_ = 0;
    deadline_ = never;
    for (const session::Connection* connection : paused_)
        deadline_ = std::min(deadline_, on_grid(std::max(connection->read_rate()->ready_at(), now + Duration(1))));
    return nullptr;
}

}  // namespace ledge::broker
