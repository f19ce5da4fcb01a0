// Admission: chooses who gives way when a listener is full.
#include "admission.hpp"

#include <algorithm>

#include "ledge/auth/identity.hpp"
#include "ledge/base/assert.hpp"

namespace ledge::broker {

using session::Connection;

OwnerId owner_of_client(const Connection& connection) {
    const auth::Identity* identity = connection.identity();
    const bool has_user = identity != nullptr && identity->user;
    return owner_of(has_user ? std::string_view(*identity->user) : std::string_view(), connection.peer().network);
}

/// The limit of all listeners together does not hold for local listeners: the descriptors left over are for the
/// operator's Unix sockets. Nor does it hold for inner clients, which have no descriptors and so are not counted.
bool Admission::are_all_full(std::uint16_t listener) const {
    if (options_.listeners[listener].is_local || !options_.listeners[listener].has_descriptors) return false;
    if (connections_.connected() < options_.connections_total_max) return false;
    std::uint64_t inner = 0;
    for (std::uint16_t i = 0; i < options_.listeners.size(); ++i) {
        if (!options_.listeners[i].has_descriptors) inner += connections_.connected(i);
    }
    return connections_.connected() - inner >= options_.connections_total_max;
}

bool Admission::is_full(std::uint16_t listener) const {
    return connections_.connected(listener) >= options_.listeners[listener].connections_max || are_all_full(listener);
}

/// The listener that has to disconnect a client for a newcomer on `listener`. When all listeners together are full:
/// the listener with the largest owner. Otherwise: `listener` itself.
std::uint16_t Admission::fullest(std::uint16_t listener) const {
    if (!are_all_full(listener)) return listener;
    std::uint16_t result = listener;
    for (std::uint16_t i = 0; i < options_.listeners.size(); ++i) {
        const bool may_give = options_.listeners[i].has_descriptors;
        if (may_give && connections_.owners(i).largest() > connections_.owners(result).largest()) result = i;
    }
    return result;
}

void Admission::make_room_for_arrival(std::uint16_t listener, Instant now) {
    LEDGE_ASSERT(listener < options_.listeners.size());
    const ListenerOptions& options = options_.listeners[listener];
    const std::uint64_t places = std::uint64_t{options.connections_max} + options.arrivals_max;
    if (connections_.arriving(listener) + std::uint64_t{connections_.connected(listener)} < places) return;
    Connection* victim = connections_.longest_arriving(listener);
    // All places are occupied by connected clients. This happens when arrivals_max is 0, or when set_limits() has
    // lowered the limits. The newcomer is let in all the same: its CONNECT decides.
    if (victim == nullptr) return;
    ++services_.counters.connections_refused;
    ++connections_.counters(listener).refused_room;
    log_victim(*victim, "connections_max", connections_.arriving(listener), now);
    victim->close_silently();
    connections_.leave(*victim);
}

bool Admission::has_place(const Connection& connection, OwnerId owner, const Connection* replaced) const {
    const std::uint16_t listener = connection.listener_index;
    LEDGE_ASSERT(listener < options_.listeners.size() && replaced != &connection);
    if (replaced != nullptr && replaced->listener_index == listener) return true;
    if (!is_full(listener)) return true;
    // "own + 1": a victim is taken only from an owner that has more places than the newcomer's owner will have.
    const std::uint32_t own = connections_.owners(listener).of(owner);
    return connections_.owners(fullest(listener)).largest() > own + 1;
}

void Admission::occupy_place(Connection& connection, OwnerId owner, Instant now) {
    const std::uint16_t listener = connection.listener_index;
    // Both are determined before mark_connected() counts the newcomer.
    const bool needs_place = is_full(listener);
    const std::uint16_t from = fullest(listener);
    connections_.mark_connected(connection, owner);
    // There was room, so nobody has to give way.
    if (!needs_place) return;
    Connection* victim = connections_.newest_of_largest_owner(from);
    if (victim == nullptr || victim == &connection) return;
    ++services_.counters.connections_evicted;
    log_victim(*victim, from == listener ? "connections_max" : "the limit of open descriptors",
               connections_.connected(from), now);
    victim->close(wire::ReasonCode::quota_exceeded,
                  limit_in_the_way(*victim) + ", and a client whose owner has fewer connections needed this place");
    connections_.leave(*victim);
}

std::string Admission::limit_in_the_way(const Connection& connection) const {
    const ListenerOptions& listener = options_.listeners[connection.listener_index];
    if (are_all_full(connection.listener_index))
        return "all listeners together have " + std::to_string(options_.connections_total_max) +
               " connections, as many as the limit of open descriptors allows";
    return "the listener has " + std::to_string(listener.connections_max) +
           " connections, as many as connections_max allows";
}

// At most one line in log_interval: a flood of connections must not become a flood of log lines.
void Admission::log_victim(const Connection& victim, std::string_view limit, std::uint32_t places, Instant now) {
    ++unlogged_;
    if (now < next_log_at_) return;
    next_log_at_ = now + log_interval;
    services_.log.warning("listener_full", {{"listener", victim.peer().listener.name},
                                            {"limit", limit},
                                            {"connections_max", victim.peer().listener.connections_max},
                                            {"open", places},
                                            {"gave_way", unlogged_},
                                            {"address", victim.peer().address}});
    unlogged_ = 0;
}

}  // namespace ledge::broker
