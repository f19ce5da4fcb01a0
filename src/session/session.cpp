#include "ledge/session/session.hpp"

#include "ledge/base/assert.hpp"

namespace ledge::session {

Session::Session(Environment& environment, std::string client_id, const SessionLimits& limits)
    : expiry_timer(CoreTimer::Wakes::session_expiry, this),
      will_timer(CoreTimer::Wakes::will_delay, this),
      environment_(environment),
      client_id_(std::move(client_id)),
      limits_(&limits) {}

Session::~Session() {
    LEDGE_ASSERT(connection_ == nullptr);
    if (is_waiting_for_commit_) std::erase(environment_.waiting_sessions, this);
    environment_.counters.queued_messages -= backlog();
    environment_.counters.queued_bytes -= pending_.bytes();
}

void Session::attach(Connection& connection, const SessionLimits& limits) {
    LEDGE_ASSERT(connection_ == nullptr);
    connection_ = &connection;
    limits_ = &limits;
    expiry_timer.cancel();
    will_timer.cancel();
}

void Session::set_identity(std::unique_ptr<auth::Identity> identity) { identity_ = std::move(identity); }

void Session::take_rules(const auth::Policy& policy) {
    if (identity_ == nullptr) {
        // Offline and unknown: what it may have is decided when somebody comes for it.
        if (!policy.acl || !is_online()) return;
        identity_ = std::make_unique<auth::Identity>();
    }
    identity_->rights = auth::rights_of(policy, *identity_, client_id_);
}

void Session::detach() {
    connection_ = nullptr;
    inflight_.mark_unsent();
    inflight_.shrink();
    pending_.shrink();
}

void Session::note_drop(DropReason reason, const PublicationView& publication) {
    const bool is_slow = reason == DropReason::slow_reader;
    ++(is_slow ? environment_.counters.dropped_slow_reader : environment_.counters.dropped_queue_full);
    if (++dropped_in_a_row_ > 1) return;
    environment_.log.warning("publish_dropping",
                             {{"client_id", client_id_},
                              {"topic", publication.topic},
                              {"reason", is_slow ? "slow reader" : "queue full"},
                              {"limit", is_slow ? "outbox_bytes_max" : "queue_messages_max or queue_bytes_max"},
                              {"queued", backlog()}});
}

void Session::end_run_of_drops() {
    environment_.log.info("publish_dropping_ended", {{"client_id", client_id_}, {"dropped", dropped_in_a_row_}});
    dropped_in_a_row_ = 0;
}

}  // namespace ledge::session
