// The store of the simulated world: when it writes, when it fails, and what a crash leaves of it.
#include <algorithm>

#include "world.hpp"

namespace ledge::sim {

// Once a turn: begins a commit, or ends one. True when the broker may have something to send for it.
bool World::serve_store() {
    if (!broker_.has_store() || is_store_failed_) return false;
    watch_closings();
    if (broker_.is_committing()) {
        if (commit_ends_at_ > now_) return false;
        end_commit();
        return true;
    }
    if (!broker_.wants_commit(now_)) return false;
    ledger_.on_taken(now_);
    broker_.begin_commit(now_);
    commit_ends_at_ =
        now_ +
        Duration(static_cast<std::int64_t>(rng_.below(static_cast<std::uint64_t>(plan_.commit_time_max.count()) + 1)));
    ++report_.commits;
    return false;
}

void World::end_commit() {
    is_store_failed_ = !broker_.end_commit(now_);
    if (is_store_failed_)
        ledger_.on_store_failed();
    else
        ledger_.on_stored();
    watch_closings();
}

Instant World::store_deadline() const {
    if (!broker_.has_store() || is_store_failed_) return never;
    return broker_.is_committing() ? commit_ends_at_ : broker_.commit_deadline();
}

void World::disturb_store() {
    if (!broker_.has_store()) return;
    if (plan_.fail_one_in != 0 && rng_.one_in(plan_.fail_one_in)) broker_.break_store();
    if (is_store_failed_ && rng_.one_in(20)) kill_broker(false);
}

// By the calendar the broker was away for no time at all; what it makes of the time since its last commit is the
// plan's. Its clock may well be behind that of before.
void World::kill_broker(bool is_kept) {
    ++report_.kills;
    losses_before_ += broker_.metrics().counters.dropped_queue_full;
    drops_seen_ = 0;
    for (const auto& link : links_) {
        Event closed;
        closed.kind = Kind::closed;
        closed.client = link->client;
        closed.link = link->number;
        if (link->connection != nullptr) record(std::move(closed));
        link->connection = nullptr;
        link->is_client_gone = true;
        if (Client* client = client_of(*link); client != nullptr) client->lose_link();
    }
    links_.clear();
    strangers_.clear();
    is_kept = is_kept && broker_.is_committing();
    if (is_kept) ledger_.on_stored();
    Duration rest = broker_.has_store() ? now_ - broker_.time_of_store(is_kept) : Duration::zero();
    if (plan_.rest == Rest::nothing) rest = Duration::zero();
    if (plan_.rest == Rest::too_long) rest += 7s;
    broker_.kill(is_kept, rest);
    is_store_failed_ = false;
    now_ = broker_.start(now_);
    ledger_.on_restart(now_);
}

}  // namespace ledge::sim
