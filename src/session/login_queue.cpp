#include "ledge/session/login_queue.hpp"

#include <algorithm>
#include <utility>

#include "ledge/session/connection.hpp"

namespace ledge::session {

bool LoginQueue::add(Connection& connection, const auth::Answer& answer, Bytes password, std::size_t bytes) {
    if (waiting_.size() >= waiting_max || bytes_ + bytes > bytes_max) return false;
    waiting_.push_back(
        {++last_number_, &connection, *answer.hash, auth::Secret(password), bytes, 0, answer.is_user_known});
    bytes_ += bytes;
    return true;
}

bool LoginQueue::hold(const Connection& connection, std::size_t bytes) {
    const auto found = std::ranges::find(waiting_, &connection, &Waiting::connection);
    if (found == waiting_.end() || found->held_bytes + bytes > held_bytes_max || bytes_ + bytes > bytes_max)
        return false;
    found->held_bytes += bytes;
    found->bytes += bytes;
    bytes_ += bytes;
    return true;
}

std::optional<PasswordCheck> LoginQueue::take(const auth::LoginGuard& guard, Instant now) {
    if (waiting_.empty() || under_way_ != 0) return std::nullopt;
    const auto is_clean = [&](const Waiting& w) { return !guard.is_suspect(w.connection->address(), now); };
    const auto clean = std::ranges::find_if(waiting_, is_clean);
    Waiting& next = clean != waiting_.end() ? *clean : waiting_.front();
    under_way_ = next.number;
    return PasswordCheck{next.number, next.hash, std::move(next.password)};
}

Connection* LoginQueue::take_blocked(const auth::LoginGuard& guard, Instant now) {
    const auto found = std::ranges::find_if(waiting_, [&](const Waiting& waiting) {
        return !is_under_way(waiting) && guard.is_blocked(waiting.connection->address(), now);
    });
    if (found == waiting_.end()) return nullptr;
    Connection* connection = found->connection;
    erase(found);
    return connection;
}

LoginQueue::Finished LoginQueue::finish(std::uint64_t number) {
    if (number == under_way_) under_way_ = 0;
    const auto found = std::ranges::find(waiting_, number, &Waiting::number);
    if (found == waiting_.end()) return {};
    const Finished finished{found->connection, found->is_user_known ? auth::credential_of(found->hash) : 0};
    erase(found);
    return finished;
}

void LoginQueue::forget(const Connection& connection) {
    const auto found = std::ranges::find(waiting_, &connection, &Waiting::connection);
    if (found != waiting_.end()) erase(found);
}

void LoginQueue::erase(std::vector<Waiting>::iterator waiting) {
    bytes_ -= waiting->bytes;
    waiting_.erase(waiting);
}

}  // namespace ledge::session
