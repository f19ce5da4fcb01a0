// Session: its connection, its identity, its records, and the log of drops. Its memory is in account.cpp.
#include "ledge/session/session.hpp"

#include <algorithm>
#include <utility>

#include "ledge/auth/authenticator.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/base/log.hpp"
#include "ledge/journal/journal.hpp"
#include "ledge/journal/publication_source.hpp"
#include "ledge/journal/records.hpp"
#include "ledge/session/account.hpp"
#include "ledge/session/applied_rules.hpp"
#include "ledge/session/connection.hpp"
#include "ledge/session/counters.hpp"
#include "ledge/session/limits.hpp"
#include "ledge/session/queue_losses.hpp"
#include "ledge/session/retained_feed.hpp"
#include "ledge/session/tracer.hpp"

namespace ledge::session {

Session::Session(const SessionServices& services, std::string client_id, const SessionLimits& limits)
    : received(services.journal),
      will_record(services.journal),
      expiry_timer(CoreTimer::Wakes::session_expiry, *this),
      will_timer(CoreTimer::Wakes::will_delay, *this),
      services_(services),
      record_(services.journal, std::move(client_id)),
      queue_(services, record_, subscriptions),
      limits_(&limits) {
    count_tables();
}

Session::~Session() {
    LEDGE_ASSERT(connection_ == nullptr);
    if (is_waiting_for_commit_) std::erase(services_.waiting, this);
    services_.memory.remove(MemoryKind::subscriptions, counted_subscriptions_);
    services_.memory.remove(MemoryKind::sessions, counted_tables_ - counted_subscriptions_);
    if (account_ != nullptr) leave_account();
}

void Session::attach(Connection& connection, const SessionLimits& limits) {
    LEDGE_ASSERT(connection_ == nullptr);
    connection_ = &connection;
    limits_ = &limits;
    leave_offline_list();
    expires_at = never;
    expiry_timer.cancel();
    will_timer.cancel();
}

void Session::note_change(Instant now) { changed_s = AppliedRules::stamp(now); }

[[gnu::hot]] bool Session::keeps_up() const { return connection_ != nullptr && connection_->keeps_up(); }

void Session::set_identity(std::unique_ptr<auth::Identity> identity) {
    forget_rights();  // they borrow names of the old identity; apply_policy() computes those of the new one
    identity_ = std::move(identity);
}

void Session::forget_rights() {
    rights_.reset();
    rules_version_ = 0;
}

std::string_view Session::owner() const {
    return identity_ != nullptr && identity_->user ? std::string_view(*identity_->user) : std::string_view();
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

void Session::apply_policy() const {
    const std::shared_ptr<const auth::Policy>& policy = services_.policy;
    LEDGE_ASSERT(policy != nullptr);
    rules_version_ = services_.policy_version;
    if (identity_ == nullptr) {
        // An offline session without an identity gets its rights when a client connects for it.
        if (!policy->acl || !is_online()) return;
        identity_ = std::make_unique<auth::Identity>();
    }
    auto rights = auth::rights_of(policy, *identity_, client_id());
    rights_ = rights ? std::make_unique<const auth::Rights>(std::move(*rights)) : nullptr;
}

void Session::detach() {
    // The rights are brought up to date while the client is online: an offline client without an identity would get
    // none, and a new policy would not judge its will.
    static_cast<void>(rights());
    if (client_drops_ != nullptr) log_slow_client();
    traffic.bytes_sent += connection_->outbox().consumed();
    connection_ = nullptr;
    queue_.end_sending();
}

// ---------------------------------------------------------------------------------------------------------------------
// Records

// What both kinds of records begin with.
journal::SessionRecord Session::record_head(Instant at) const {
    journal::SessionRecord record{client_id(), expiry_interval_s, at, false, std::nullopt, owner()};
    if (will_timer.is_set()) record.will_due = will_timer.deadline();
    if (account_ != nullptr) record.network = account_->network;
    return record;
}

void Session::put_record(Instant at, journal::Urgency urgency) {
    journal::SessionRecord record = record_head(at);
    record.is_incomplete = is_incomplete;
    record.progress = queue_.progress();
    if (has_will_to_record()) record.will = *will;
    record_.put(record, urgency);
}

void Session::record_connection(journal::Urgency urgency) {
    const bool must_be_first = queue_.begin_sending();
    put_record(never, must_be_first ? std::max(urgency, journal::Urgency::paced) : urgency);
    queue_.send_from(must_be_first && !services_.journal.is_failed() ? record_.ticket() : no_ticket);
}

void Session::record_disconnection(Instant at, journal::Urgency urgency) {
    queue_.note_progress();
    put_record(at, urgency);
}

bool Session::is_record_current() const {
    return !is_stored() || record_.agrees_with(expiry_interval_s, has_will_to_record());
}

void Session::put_will_record(journal::Urgency urgency) {
    LEDGE_ASSERT(will != nullptr && !is_persistent());
    journal::SessionRecord record = record_head(never);
    record.will = *will;
    record.is_will_only = true;
    will_record.put(record, urgency);
}

void Session::wait_for_commit() {
    if (is_waiting_for_commit_) return;
    is_waiting_for_commit_ = true;
    services_.waiting.push_back(this);
}

// ---------------------------------------------------------------------------------------------------------------------
// The log of drops

void Session::note_drop(DropReason reason, const journal::PublicationView& publication, MessageNumber message) {
    struct Words {
        std::uint64_t Counters::*counter;
        std::uint64_t QueueLosses::*loss;
        std::string_view reason;
        std::string_view limit;
    };
    static constexpr Words words[] = {
        {&Counters::dropped_slow_reader, &QueueLosses::slow_reader, "slow reader", "limits.outbox_bytes_max"},
        {&Counters::dropped_memory, &QueueLosses::memory, "memory is short", "memory.budget_bytes"},
        {&Counters::dropped_queue_full, &QueueLosses::queue_full, "queue full", ""},
    };
    const Words& mine = words[static_cast<std::size_t>(reason)];
    services_.tracer.drop({.reason = mine.counter,
                           .client_id = client_id(),
                           .topic = publication.topic,
                           .message = message,
                           .qos = publication.qos});
    queue_.note_losses(mine.loss);
    if (connection_ != nullptr) count_drop_of_client(reason);
    if (++dropped_in_a_row_ > 1) return;
    services_.log.warning("publish_dropping", {{"client_id", client_id()},
                                               {"topic", publication.topic},
                                               {"reason", mine.reason},
                                               {"limit", mine.limit.empty() ? queue_.full_limit(*limits_) : mine.limit},
                                               {"queued", queue_.size()}});
}

void Session::count_drop_of_client(DropReason reason) {
    if (client_drops_ == nullptr) client_drops_ = std::make_unique<ClientDrops>();
    ++client_drops_->by_reason[static_cast<std::size_t>(reason)];
    client_drops_->queued_max = std::max(client_drops_->queued_max, queue_.size());
}

/// The client has lost messages while it was connected. Now that its connection ends, one line has the account of it.
void Session::log_slow_client() {
    const std::unique_ptr<ClientDrops> drops = std::move(client_drops_);
    const auto of = [&drops](DropReason reason) { return drops->by_reason[static_cast<std::size_t>(reason)]; };
    std::uint64_t sum = 0;
    for (const std::uint64_t count : drops->by_reason) sum += count;
    services_.log.warning("slow_client_gone", {{"client_id", client_id()},
                                               {"address", connection_->peer().address},
                                               {"dropped", sum},
                                               {"slow_reader", of(DropReason::slow_reader)},
                                               {"memory", of(DropReason::memory)},
                                               {"queue_full", of(DropReason::queue_full)},
                                               {"queued_max", std::max(drops->queued_max, queue_.size())},
                                               {"queued", queue_.size()}});
}

void Session::end_run_of_drops() {
    services_.log.info("publish_dropping_ended", {{"client_id", client_id()}, {"dropped", dropped_in_a_row_}});
    dropped_in_a_row_ = 0;
}

}  // namespace ledge::session
