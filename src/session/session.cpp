// Session: its connection, its identity, and the log of drops. The queues are in session_queue.cpp, memory in
// give_way.cpp and account.cpp.
#include "ledge/session/session.hpp"

#include <algorithm>
#include <utility>

#include "ledge/auth/authenticator.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/journal/publication_source.hpp"
#include "ledge/session/connection.hpp"

namespace ledge::session {

Session::Session(const SessionServices& services, std::string client_id, const SessionLimits& limits)
    : received(services.journal),
      will_record(services.journal),
      expiry_timer(CoreTimer::Wakes::session_expiry, this),
      will_timer(CoreTimer::Wakes::will_delay, this),
      services_(services),
      client_id_(std::move(client_id)),
      record_(services.journal),
      limits_(&limits) {
    count_tables();
}

Session::~Session() {
    LEDGE_ASSERT(connection_ == nullptr);
    if (is_waiting_for_commit_) std::erase(services_.waiting, this);
    services_.counters.queued_messages -= backlog();
    services_.counters.queued_bytes -= pending_.bytes();
    services_.memory.remove(counted_tables_ + counted_slots_);
    if (account_ != nullptr) leave_account();
}

void Session::attach(Connection& connection, const SessionLimits& limits) {
    LEDGE_ASSERT(connection_ == nullptr);
    connection_ = &connection;
    limits_ = &limits;
    leave_away_list();
    expires_at = never;
    expiry_timer.cancel();
    will_timer.cancel();
}

bool Session::keeps_up() const { return connection_ != nullptr && connection_->keeps_up(); }

void Session::set_identity(std::unique_ptr<auth::Identity> identity) {
    identity_ = std::move(identity);
    rules_version_ = 0;
}

bool Session::renew_proof(const auth::Identity& identity) {
    if (identity_ == nullptr) return !identity.user;
    if (identity_->user != identity.user) return false;
    identity_->proof = identity.proof;
    identity_->credential = identity.credential;
    return true;
}

Bytes Session::source(std::vector<Byte>& scratch) const {
    if (rights() == nullptr || identity_->granted || !identity_->roles.empty()) return {};
    const auto& user = identity_->user;
    return journal::PublicationSource{user ? std::optional<std::string_view>(*user) : std::nullopt, client_id()}.encode(
        scratch);
}

void Session::take_rules() const {
    const auth::Policy& policy = services_.policy;
    rules_version_ = services_.policy_version;
    if (identity_ == nullptr) {
        // An offline session without an identity gets its rights when a client connects for it.
        if (!policy.acl || !is_online()) return;
        identity_ = std::make_unique<auth::Identity>();
    }
    identity_->rights = auth::rights_of(policy, *identity_, client_id_);
}

void Session::shrink() {
    inflight_.shrink();
    pending_.shrink();
    count_slots();
}

void Session::detach() {
    connection_ = nullptr;
    inflight_.mark_unsent();
    // Remember the highest row whose PUBLISH was sent: the next record of the session says so, for DUP after a restart.
    inflight_.for_each([this](wire::PacketId, const Inflight::Entry& entry) {
        if (entry.delivery.is_stored && entry.delivery.is_begun())
            sent_until_ = std::max(sent_until_, entry.delivery.row);
    });
    doubted_until_ = std::max(doubted_until_, sent_until_);
    LEDGE_ASSERT(doubted_until_ >= sent_until_ && inflight_.counted() == 0);
    shrink();
}

// The configuration key of the limit that the queue has reached.
std::string_view Session::full_limit() const {
    if (pending_.size() >= limits_->queue_stored_messages_max) return "limits.queue_stored_messages_max";
    if (pending_.loaded() >= limits_->queue_messages_max) return "limits.queue_messages_max";
    return is_stored() && pending_.has_stored_tail() ? "limits.queue_stored_bytes_max" : "limits.queue_bytes_max";
}

void Session::note_drop(DropReason reason, const journal::PublicationView& publication) {
    struct Words {
        std::uint64_t Counters::*counter;
        std::string_view reason;
        std::string_view limit;
    };
    static constexpr Words words[] = {
        {&Counters::dropped_slow_reader, "slow reader", "limits.outbox_bytes_max"},
        {&Counters::dropped_memory, "memory is short", "memory.budget_bytes"},
        {&Counters::dropped_queue_full, "queue full", ""},
    };
    const Words& mine = words[static_cast<std::size_t>(reason)];
    ++(services_.counters.*mine.counter);
    if (++dropped_in_a_row_ > 1) return;
    services_.log.warning("publish_dropping", {{"client_id", client_id_},
                                               {"topic", publication.topic},
                                               {"reason", mine.reason},
                                               {"limit", mine.limit.empty() ? full_limit() : mine.limit},
                                               {"queued", backlog()}});
}

void Session::end_run_of_drops() {
    services_.log.info("publish_dropping_ended", {{"client_id", client_id_}, {"dropped", dropped_in_a_row_}});
    dropped_in_a_row_ = 0;
}

}  // namespace ledge::session
