#include "ledge/session/login_queue.hpp"

#include <algorithm>
#include <utility>

#include "ledge/session/connection.hpp"

namespace ledge::session {

bool LoginQueue::add(Connection& connection, auth::LoginCheck check, std::size_t bytes) {
    const auth::Carrier carrier = auth::carrier_of(check);
    const auto waiting = std::ranges::count(waiting_, carrier, &Waiting::carrier);
    if (static_cast<std::size_t>(waiting) >= waiting_max || bytes_of(carrier) + bytes > bytes_max) return false;
    waiting_.push_back({++last_number_, &connection, carrier, std::move(check), bytes, 0});
    bytes_of(carrier) += bytes;
    return true;
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

std::optional<LoginTask> LoginQueue::take(auth::Carrier carrier, const auth::LoginGuard& guard, Instant now) {
    const auto is_next = [&](const Waiting& w) { return w.carrier == carrier && w.check; };
    const auto is_clean = [&](const Waiting& w) {
        return is_next(w) && !guard.is_suspect(w.connection->address(), now);
    };
    auto next = std::ranges::find_if(waiting_, is_clean);
    if (next == waiting_.end()) next = std::ranges::find_if(waiting_, is_next);
    if (next == waiting_.end()) return std::nullopt;
    return LoginTask{next->number, *std::exchange(next->check, std::nullopt)};
}

Connection* LoginQueue::take_blocked(const auth::LoginGuard& guard, Instant now) {
    const auto found = std::ranges::find_if(waiting_, [&](const Waiting& waiting) {
        return waiting.check && guard.is_blocked(waiting.connection->address(), now);
    });
    if (found == waiting_.end()) return nullptr;
    Connection* connection = found->connection;
    erase(found);
    return connection;
}

Connection* LoginQueue::finish(std::uint64_t number) {
    const auto found = std::ranges::find(waiting_, number, &Waiting::number);
    if (found == waiting_.end()) return nullptr;
    Connection* connection = found->connection;
    erase(found);
    return connection;
}

void LoginQueue::forget(const Connection& connection) {
    const auto found = std::ranges::find(waiting_, &connection, &Waiting::connection);
    if (found != waiting_.end()) erase(found);
}

void LoginQueue::erase(std::vector<Waiting>::iterator waiting) {
    bytes_of(waiting->carrier) -= waiting->bytes;
    waiting_.erase(waiting);
}

}  // namespace ledge::session
