#include "ledge/session/login_queue.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/session/connection.hpp"

namespace ledge::session {

using auth::Standing;

namespace {

template <class Map, class Key>
std::uint64_t turn_of(const Map& turns, const Key& key) {
    const auto found = turns.find(key);
    return found == turns.end() ? 0 : found->second;
}

}  // namespace

LoginQueue::Added LoginQueue::add(Connection& connection, auth::LoginCheck check, const auth::LoginSource& source,
                                  std::size_t bytes, const auth::LoginGuard& guard, Instant now) {
    const auth::Carrier carrier = auth::carrier_of(check);
    Added added;
    if (!has_room(carrier, bytes)) {
        const Place victim = find_victim(carrier, source, guard, now);
        if (victim == waiting_.end()) return added;
        added.evicted = erase(victim);
        if (!has_room(carrier, bytes)) return added;  // one victim has not freed enough bytes for a large CONNECT
    }
    waiting_.push_back({++last_number_, &connection, carrier, std::move(check), source, bytes, 0});
    bytes_of(carrier) += bytes;
    added.is_in = true;
    return added;
}

bool LoginQueue::has_room(auth::Carrier carrier, std::size_t bytes) {
    const auto waiting = std::ranges::count(waiting_, carrier, &Waiting::carrier);
    return static_cast<std::size_t>(waiting) < waiting_max && bytes_of(carrier) + bytes <= bytes_max;
}

// The login that gives way to the newcomer: among the logins with the worst standing, the newest of the address that
// has most logins in the queue. end() when no login is worse than the newcomer. Logins under way never give way.
LoginQueue::Place LoginQueue::find_victim(auth::Carrier carrier, const auth::LoginSource& newcomer,
                                          const auth::LoginGuard& guard, Instant now) {
    std::unordered_map<NetworkId, std::uint32_t> waits;
    for (const Waiting& waiting : waiting_) {
        if (waiting.carrier == carrier) ++waits[waiting.source.network];
    }
    using Badness = std::pair<Standing, std::uint32_t>;
    // The newcomer would wait as one more login of its address.
    Badness worst_yet{guard.standing_of(newcomer, now), waits[newcomer.network] + 1};
    Place found = waiting_.end();
    for (Place waiting = waiting_.begin(); waiting != waiting_.end(); ++waiting) {
        if (waiting->carrier != carrier || !waiting->check) continue;
        const Badness badness{guard.standing_of(waiting->source, now), waits[waiting->source.network]};
        // The queue is in order of arrival, so an equal that comes later is newer.
        const bool is_newer = found != waiting_.end() && badness == worst_yet;
        if (badness <= worst_yet && !is_newer) continue;
        worst_yet = badness;
        found = waiting;
    }
    return found;
}

bool LoginQueue::hold(const Connection& connection, std::size_t bytes) {
    const auto found = std::ranges::find(waiting_, &connection, &Waiting::connection);
    if (found == waiting_.end() || found->held_bytes + bytes > held_bytes_max) return false;
    if (bytes_of(found->carrier) + bytes > bytes_max) return false;
    found->held_bytes += bytes;
    found->bytes += bytes;
    bytes_of(found->carrier) += bytes;
    return true;
}

std::optional<LoginTask> LoginQueue::take(auth::Carrier carrier, const auth::LoginGuard& guard, Instant now,
                                          StandingRange range) {
    // Standing, last turn of the address, last turn of the source. The smallest comes first; among equals, the oldest.
    using Merit = std::tuple<Standing, std::uint64_t, std::uint64_t>;
    Place next = waiting_.end();
    Merit best;
    for (Place waiting = waiting_.begin(); waiting != waiting_.end(); ++waiting) {
        if (waiting->carrier != carrier || !waiting->check) continue;
        const Standing standing = guard.standing_of(waiting->source, now);
        if (standing < range.best || standing > range.worst) continue;
        const Merit merit{standing, turn_of(network_turns_, waiting->source.network),
                          turn_of(name_turns_, auth::LoginSourceHash{}(waiting->source))};
        if (next != waiting_.end() && merit >= best) continue;
        next = waiting;
        best = merit;
    }
    if (next == waiting_.end()) return std::nullopt;
    note_turn(*next);
    return LoginTask{next->number, *std::exchange(next->check, std::nullopt), next->source, std::get<0>(best)};
}

void LoginQueue::note_turn(const Waiting& waiting) {
    // Forgetting all turns makes the order unfair for one round only, and needs no second structure for the oldest.
    if (network_turns_.size() >= turns_max) network_turns_.clear();
    if (name_turns_.size() >= turns_max) name_turns_.clear();
    network_turns_[waiting.source.network] = ++last_turn_;
    name_turns_[auth::LoginSourceHash{}(waiting.source)] = last_turn_;
}

Connection* LoginQueue::remove_blocked(const auth::LoginGuard& guard, Instant now) {
    const auto found = std::ranges::find_if(
        waiting_, [&](const Waiting& waiting) { return waiting.check && guard.is_blocked(waiting.source, now); });
    return found == waiting_.end() ? nullptr : erase(found);
}

Connection* LoginQueue::finish(std::uint64_t number) {
    const auto found = std::ranges::find(waiting_, number, &Waiting::number);
    return found == waiting_.end() ? nullptr : erase(found);
}

void LoginQueue::forget(const Connection& connection) {
    const auto found = std::ranges::find(waiting_, &connection, &Waiting::connection);
    if (found != waiting_.end()) erase(found);
}

Connection* LoginQueue::erase(Place waiting) {
    Connection* connection = waiting->connection;
    LEDGE_ASSERT(connection != nullptr && bytes_of(waiting->carrier) >= waiting->bytes);
    bytes_of(waiting->carrier) -= waiting->bytes;
    waiting_.erase(waiting);
    return connection;
}

}  // namespace ledge::session
