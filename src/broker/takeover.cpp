// Lifecycle: sessions begin, are taken over and end (5.0 section 4.1, 3.1.1 section 4.1).
#include <algorithm>
#include <utility>
#include <vector>

#include "ledge/auth/authenticator.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/broker/options.hpp"
#include "ledge/journal/record.hpp"
#include "ledge/journal/records.hpp"
#include "ledge/session/retained_feed.hpp"
#include "ledge/session/tracer.hpp"
#include "lifecycle.hpp"

namespace ledge::broker {

using session::Session;
using wire::PropertyId;
using wire::ReasonCode;

std::uint32_t expiry_of(const wire::Connect& connect, const session::SessionLimits& limits) {
    // 3.1.1 section 3.1.2.4: a session without Clean Session has no expiry; the broker bounds it by a limit of its own.
    // In v5 an absent property means 0 (5.0 section 3.1.2.11.2).
    if (connect.version != wire::Version::v5) return connect.clean_start ? 0 : limits.session_expiry_v3_s;
    return std::min(connect.properties.number(PropertyId::session_expiry_interval).value_or(0),
                    limits.session_expiry_max_s);
}

Lifecycle::Lifecycle(const Services& services, std::uint64_t seed, Subscriptions& subscriptions, Router& router,
                     RetainedFeeds& feeds, const ShardOptions& options)
    : services_(services),
      sessions_(seed),
      subscriptions_(subscriptions),
      router_(router),
      feeds_(feeds),
      sessions_max_(options.sessions_max),
      has_other_users_(options.has_other_users),
      listeners_(options.listeners) {}

// False when the connection is refused, or has to wait for its turn.
bool Lifecycle::may_open(session::Connection& connection, const session::OpenSession& open, Instant now) {
    const auto refuse = [&](ReasonCode code, const std::string& detail) {
        connection.refuse(open, code, detail);
        return false;
    };
    if (services_.journal.is_failed() && !is_possible_without_store(connection, open))
        return refuse(ReasonCode::server_unavailable, "the store has failed");
    if (services_.journal.is_saturated() && !is_possible_without_store(connection, open))
        return refuse(ReasonCode::quota_exceeded,
                      "the disk of the store is full, and the journal has no room for another session");
    // Before the question of ownership: the session of a removed user must not lock the client id for ever.
    end_session_of_removed_owner(connection, open, now);
    if (belongs_to_another(connection, open))
        return refuse(ReasonCode::client_identifier_not_valid,
                      "the session of this client identifier belongs to another user (auth.bind_sessions)");
    if (exceeds_user_limit(connection, open.client_id))
        return refuse(ReasonCode::quota_exceeded, "the user has reached limits.connections_per_user_max (" +
                                                      std::to_string(connection.limits().connections_per_user_max) +
                                                      " connections)");
    return !must_wait(connection, open, now);
}

void Lifecycle::open(session::Connection& connection, const session::OpenSession& open, Instant now) {
    LEDGE_ASSERT(connection.session() == nullptr && !open.client_id.empty());
    // The connection may have waited for its turn and asks again now.
    forget_postponed(connection);
    if (!may_open(connection, open, now)) return;
    const auth::Identity* identity = connection.identity();
    session::Account& account = services_.accounts.of(
        identity != nullptr && identity->user ? *identity->user : std::string(), network_of(connection.peer().address));
    if (sessions_.find(open.client_id) == nullptr && !make_room(connection, open, account, now)) return;
    // From here on the connection cannot be refused any more: the old connection is closed.
    Session* session = take_over(connection, open, now);
    // A session that damage has cost a part is offered to its client as a new one.
    const bool is_renewed = session != nullptr && session->is_incomplete;
    const bool session_present = session != nullptr && !is_renewed;  // [MQTT-3.2.2-2] [MQTT-3.2.2-3]
    if (is_renewed) renew(*session);
    if (session == nullptr) session = &create(open.client_id, connection.limits());
    journal::Journal& journal = services_.journal;
    const bool is_old_one_there = !session_present && is_removal_under_way(open.client_id);
    session->expiry_interval_s = expiry_of(open.connect, connection.limits());
    session->set_identity(connection.take_identity());
    store_will(*session, open.connect, connection.peer().effective_keep_alive(open.connect));
    // The owner may have changed, for example when a session without an owner gets its first user.
    session->charge_to(account);
    services_.journal.set_cause(account);
    if (session->is_persistent() || session->is_stored()) session->record_connection(journal::Urgency::lazy);
    if (needs_will_record(*session, open.connect)) session->put_will_record(journal::Urgency::lazy);
    // The promise of CONNACK must survive a crash: that the session is present, or that the old session is gone. The
    // will must survive too, because a crash ends the connection, and then the will is due. So CONNACK waits for the
    // commit. While the disk is full, two kinds of clients do not wait: those with a durable session, and those whose
    // session ends with the connection. If a crash then brings an old session back, it ends at the next clean start. No
    // client waits for its will then.
    const bool is_brief = journal.is_postponed() && !session->is_persistent();
    const bool awaits_session = session_present ? !session->record().survives_crash() : is_renewed || is_old_one_there;
    const bool awaits_will = session->will != nullptr && !session->record().is_durable() && !journal.is_postponed();
    const bool is_awaited = (awaits_session && !is_brief) || awaits_will;
    // Counted only after every refusal, so each count has its removal in detach_session().
    count_user(connection, *session, true);
    ++connected_;
    connected_max_ = std::max(connected_max_, connected_);
    LEDGE_ASSERT(!session->is_online());
    session->note_change(now);
    connection.accept(open, *session, session_present, now);
    // After a failure no commit will come, so CONNACK must not wait for one.
    if (!is_awaited || journal.is_failed()) return;
    connection.sender().hold(journal.last());
    journal.request_commit();
}

// True when the user has as many connections as the limit allows. A connection of the same user that will be taken over
// does not count, because it closes.
bool Lifecycle::exceeds_user_limit(const session::Connection& connection, std::string_view client_id) const {
    const std::uint32_t most = connection.limits().connections_per_user_max;
    const auth::Identity* identity = connection.identity();
    if (most == 0 || identity == nullptr || !identity->user) return false;
    const auto found = users_.find(*identity->user);
    if (found == users_.end() || found->second < most) return false;
    const Session* session = sessions_.find(client_id);
    const bool is_own = session != nullptr && session->is_online() && session->identity() != nullptr &&
                        session->identity()->user == identity->user;
    return !is_own;
}

void Lifecycle::count_user(const session::Connection& connection, const Session& session, bool comes) {
    const auth::Identity* identity = session.identity();
    if (connection.limits().connections_per_user_max == 0 || identity == nullptr || !identity->user) return;
    std::uint32_t& count = users_[*identity->user];
    LEDGE_ASSERT(comes || count > 0);
    count = comes ? count + 1 : count - 1;
    if (count == 0) users_.erase(*identity->user);
}

// A client that knows or guesses a client identifier must neither get the messages of the session's owner nor end the
// owner's session or connection. A session without an owner can be resumed by any client; the client's user, if proven,
// becomes the owner.
bool Lifecycle::belongs_to_another(const session::Connection& connection, const session::OpenSession& open) const {
    const Session* session = sessions_.find(open.client_id);
    if (session == nullptr || session->owner().empty() || !services_.policy->binds_sessions) return false;
    const auth::Identity* identity = connection.identity();
    const std::string_view user = identity != nullptr && identity->user ? *identity->user : std::string_view();
    if (user == session->owner()) return false;
    services_.log.warning("session_of_another_user", {{"client_id", open.client_id},
                                                      {"owner", session->owner()},
                                                      {"user", user},
                                                      {"address", connection.peer().address}});
    return true;
}

// Ends a session whose owner was removed from the password file, when another user comes with its client identifier.
// The session is not resumed, because its messages were meant for the removed user.
void Lifecycle::end_session_of_removed_owner(const session::Connection& connection, const session::OpenSession& open,
                                             Instant now) {
    Session* session = sessions_.find(open.client_id);
    if (session == nullptr || session->owner().empty() || !services_.policy->binds_sessions) return;
    const auth::Identity* identity = connection.identity();
    const bool is_owner = identity != nullptr && identity->user && *identity->user == session->owner();
    if (is_owner || !is_owner_removed(*session)) return;
    services_.log.warning("session_removed", {{"client_id", open.client_id},
                                              {"owner", session->owner()},
                                              {"reason",
                                               "its owner is no longer in the password file, and another user "
                                               "has connected with its client id"},
                                              {"messages", session->queue().size()}});
    end_for_good(*session, ReasonCode::session_taken_over, "another connection uses this client identifier", now);
}

// True when CONNECT can be accepted although nothing can be written. A stored session can be resumed if its record is
// durable. A session without a record can be used if it ends with its connection. No record can be made or removed.
bool Lifecycle::is_possible_without_store(const session::Connection& connection,
                                          const session::OpenSession& open) const {
    const Session* session = sessions_.find(open.client_id);
    if (session == nullptr || !session->is_stored()) return expiry_of(open.connect, connection.limits()) == 0;
    return !open.connect.clean_start && session->record().survives_crash();
}

// Two clients with the same client identifier would disconnect each other for ever, as fast as they reconnect. From the
// third takeover on, the connection that has the session keeps it for some seconds. The CONNECT of the other client
// waits for the end of this time, or for the end of the connection. Only one connection waits: the newest.
bool Lifecycle::must_wait(session::Connection& connection, const session::OpenSession& open, Instant now) {
    const Session* session = sessions_.find(open.client_id);
    if (session == nullptr || !session->is_online()) return false;
    // The time is kept for the client id and not for the session, which may end and begin again during the fight.
    const Instant turn = fights_.turn_of(open.client_id, now);
    if (turn <= now) return false;
    ++services_.counters.takeovers_delayed;
    LEDGE_ASSERT(session->connection() != &connection);
    session::Connection*& waiting = postponed_[open.client_id];
    if (session::Connection* superseded = std::exchange(waiting, &connection))
        superseded->close(ReasonCode::server_busy, "a newer connection with this client identifier waits for its turn");
    connection.postpone(open, turn);
    return true;
}

// The connection does not wait any more: it is closing, or it asks for its session again.
void Lifecycle::forget_postponed(const session::Connection& connection) {
    if (postponed_.empty()) return;
    boost::unordered::erase_if(postponed_, [&](const auto& one) { return one.second == &connection; });
}

// The session is free: the connection that waits for it gets its turn.
void Lifecycle::wake_postponed(const Session& session, Instant now) {
    if (postponed_.empty()) return;
    const auto waiting = postponed_.find(session.client_id());
    if (waiting != postponed_.end()) waiting->second->reopen_soon(now);
}

void Lifecycle::note_takeover(const session::Connection& previous, const session::Connection& next,
                              std::string_view client_id, Instant now) {
    ++services_.counters.takeovers;
    const std::uint64_t takeovers = fights_.note(client_id, now);
    if (!TakeoverFights::is_worth_logging(takeovers)) return;
    services_.log.warning("client_id_fought_for", {{"client_id", client_id},
                                                   {"address", next.peer().address},
                                                   {"other_address", previous.peer().address},
                                                   {"takeovers", takeovers}});
}

// Closes the connection that has the session [MQTT-3.1.4-3], and ends the session at a clean start. Returns the session
// to resume, or nullptr when a new session begins.
Session* Lifecycle::take_over(const session::Connection& connection, const session::OpenSession& open, Instant now) {
    const std::string& client_id = open.client_id;
    const bool clean_start = open.connect.clean_start;
    Session* session = sessions_.find(client_id);
    if (session != nullptr && session->is_online()) {
        session::Connection& previous = *session->connection();
        note_takeover(previous, connection, client_id, now);
        previous.close(ReasonCode::session_taken_over,
                       "another connection uses this client identifier");  // [MQTT-3.1.4-3]
        detach(previous, now);
        session = sessions_.find(client_id);  // nullptr if the session has ended with its connection
    }
    if (session == nullptr || ends_deferred_will(*session, now)) return nullptr;
    if (!clean_start) return session;
    end(*session, now);  // [MQTT-3.1.2-4]
    return nullptr;
}

// Damage to the store has cost the session a part: subscriptions, queued messages, received packet ids. A client that
// believes such a session to be present waits for ever for topics to which the session no longer subscribes. So the
// client is told that no session is present, and subscribes anew [MQTT-3.2.2-5]. The rest of the state ends here, with
// one exception: messages that were acknowledged to their publishers and can be read are delivered all the same.
void Lifecycle::renew(session::Session& session) {
    const std::vector<std::string> filters = subscriptions_.filters_of(session);
    services_.log.warning("incomplete_session_renewed", {{"client_id", session.client_id()},
                                                         {"subscriptions_ended", filters.size()},
                                                         {"messages_kept", session.queue().size()}});
    for (const std::string& filter : filters) subscriptions_.remove(session, filter);
    session.retained_feed.reset();
    session.received.clear(session.number());
    session.is_incomplete = false;
    // Without the mark `incomplete`, so that the session is complete at its next resumption.
    session.put_record(session.expires_at, journal::Urgency::lazy);
}

void Lifecycle::detach(session::Connection& connection, Instant now) {
    forget_postponed(connection);
    if (connection.session() == nullptr) return;
    Session& session = detach_session(connection, now);
    LEDGE_ASSERT(connection.session() == nullptr);
    if (!connection.is_will_due()) session.will.reset();  // [MQTT-3.1.2-10]
    // DISCONNECT has no acknowledgement, but its effects must survive a crash soon. So a removed will and a changed
    // expiry are written with Urgency::paced, which bounds the writes to the flash.
    const journal::Urgency urgency = session.is_record_current() ? journal::Urgency::lazy : journal::Urgency::paced;
    if (session.expiry_interval_s == 0) return end(session, now, urgency);  // [MQTT-3.1.2-23]
    start_expiry(session, now);
    schedule_will(session, now);
    session.note_offline();
    if (session.is_stored()) session.record_disconnection(session.record().expiry(), urgency);
    feeds_.record(session);
}

void Lifecycle::detach_for_stop(session::Connection& connection, Instant now) {
    forget_postponed(connection);
    if (connection.session() == nullptr) return;
    // The will is not published here: its record is for the next start.
    Session& session = detach_session(connection, now);
    if (session.expiry_interval_s == 0) {
        // end() must neither publish the will nor remove its record: the record is for the next start.
        session.will.reset();
        session.will_record.leave_behind();
        return end(session, now);
    }
    start_expiry(session, now);
    session.note_offline();
    if (session.is_stored()) session.record_disconnection(session.record().expiry(), journal::Urgency::lazy);
    feeds_.record(session);
}

Session& Lifecycle::detach_session(session::Connection& connection, Instant now) {
    Session& session = *connection.session();
    LEDGE_ASSERT(session.connection() == &connection && connected_ > 0);
    // The client whose CONNECT waits (must_wait()) may open the session now.
    wake_postponed(session, now);
    connection.forget_session();
    count_user(connection, session, false);
    session.detach();
    session.note_change(now);
    --connected_;
    return session;
}

// Sets expires_at, and the timer for the earlier of two events: the session expires, or its expiry must be written.
void Lifecycle::start_expiry(Session& session, Instant now) {
    // 5.0 section 3.1.2.11.2: 0xFFFFFFFF means that the session does not expire.
    if (session.expiry_interval_s == session::expiry_never) return;
    session.expires_at = add_seconds(now, session.expiry_interval_s);
    services_.timers.set(session.expiry_timer,
                         session.is_stored() ? now + expiry_record_delay(session) : session.expires_at);
}

// The end of an offline session is written only after its client has been away for this time. So a client that
// reconnects soon, again and again, causes no writes to the flash. After a crash before that time, the record still
// describes a connected session, and the expiry begins anew at the restart. The session may then live longer by this
// time, and never ends early.
Duration Lifecycle::expiry_record_delay(const Session& session) {
    constexpr Duration longest = 1h;
    return std::min<Duration>(longest, Duration(1s) * (session.expiry_interval_s / 8));
}

void Lifecycle::record_ends() {
    sessions_.for_each([](Session& session) {
        if (session.is_stored() && !session.is_online()) session.put_record(session.expires_at, journal::Urgency::lazy);
    });
}

void Lifecycle::on_expiry_timer(Session& session, Instant now) {
    LEDGE_ASSERT(!session.is_online());
    if (session.expires_at <= now) return on_session_expired(session, now);
    // The delay of start_expiry() has passed: write the end, then wait for it.
    if (session.is_stored()) session.put_record(session.expires_at, journal::Urgency::lazy);
    services_.timers.set(session.expiry_timer, session.expires_at);
}

void Lifecycle::on_session_expired(Session& session, Instant now) {
    ++services_.counters.sessions_expired;
    services_.log.info("session_expired", {{"client_id", session.client_id()}, {"queued", session.queue().size()}});
    end(session, now);
}

void Lifecycle::end(Session& session, Instant now, journal::Urgency urgency) {
    LEDGE_ASSERT(!session.is_online());
    // The removal of the will's record must be in the same commit as the records of the published will: both are lazy.
    const bool is_will_published = session.will != nullptr;
    if (is_will_published) publish_will(session, now);
    session.will_record.drop(is_will_published ? journal::Urgency::lazy : journal::Urgency::paced);
    // Before the record goes: rerouting reads stored messages of the session.
    reroute_shared(session, now);
    if (session.is_stored()) remove_record(session, urgency);
    sessions_.erase(session);
}

// A queue that is partly in the store only is left there for remove_ended_queues(). All other rows go at once.
void Lifecycle::remove_record(Session& session, journal::Urgency urgency) {
    LEDGE_ASSERT(session.is_stored());
    if (session.queue().pending().has_stored_tail())
        leave_queue_in_store(session, urgency);
    else
        session.record().drop(urgency);
    // Two generations: when the older one is durable as a whole, it is dropped at once. No removal needs a timer or a
    // search.
    if (services_.journal.is_durable(older_removals_.last)) older_removals_ = std::exchange(removals_, {});
    removals_.by_client_id[session.client_id()] = removals_.last = services_.journal.last();
}

// True when a session of this client has ended and its removal is not durable, so that a crash could bring it back.
bool Lifecycle::is_removal_under_way(const std::string& client_id) const {
    for (const Removals* removals : {&removals_, &older_removals_}) {
        const auto removal = removals->by_client_id.find(client_id);
        if (removal != removals->by_client_id.end() && !services_.journal.is_durable(removal->second)) return true;
    }
    return false;
}

// Messages of shared subscriptions that this session has not acknowledged go to other members of their groups. An
// exception are QoS 2 messages that were sent: a second client could get them too [MQTT-4.8.2-5]. All other messages of
// the session are dropped.
void Lifecycle::reroute_shared(Session& session, Instant now) {
    session::SessionQueue& queue = session.queue();
    struct Left {
        session::Delivery delivery;
        bool is_owed;  // a message, and not only the rest of an exchange
    };
    std::vector<Left> left;
    queue.inflight().for_each([&](wire::PacketId, session::Inflight::Entry& entry) {
        const bool is_shared =
            entry.delivery.share_group != no_share_group && entry.state == journal::OutState::sent_qos1;
        left.push_back({std::move(entry.delivery), entry.state != journal::OutState::released});
        if (!is_shared) left.back().delivery.share_group = no_share_group;
    });
    while (queue.pending().has_loaded()) {
        session::Delivery delivery = queue.dequeue();
        if (delivery.qos == wire::QoS::exactly_once && delivery.is_begun()) delivery.share_group = no_share_group;
        const bool is_owed = delivery.state != journal::OutState::released;
        left.push_back({std::move(delivery), is_owed});
    }
    subscriptions_.remove_all(session);  // first, so that the session is no member of its groups any more
    for (auto& [delivery, is_owed] : left) {
        const bool is_rerouted = delivery.share_group != no_share_group && queue.load_publication(delivery) &&
                                 reroute_to_group(delivery, now);
        if (is_owed && !is_rerouted) queue.drop(&session::Counters::dropped_session_ended, delivery);
        queue.discard(delivery);
    }
}

bool Lifecycle::reroute_to_group(session::Delivery& delivery, Instant now) {
    // The publisher may still wait for its acknowledgement. From now on it waits for the commit with the new record.
    delivery.hold.abandon();
    return router_.reroute(delivery, now);
}

// ---------------------------------------------------------------------------------------------------------------------
// Stored queues of sessions that have ended

void Lifecycle::leave_queue_in_store(Session& session, journal::Urgency urgency) {
    const session::PendingQueue& pending = session.queue().pending();
    services_.tracer.drop({.reason = &session::Counters::dropped_session_ended,
                           .client_id = session.client_id(),
                           .count = pending.stored_rows()});
    ended_queues_.push_back({session.number(), pending.stored_from(), services_.journal.last()});
    session.record().mark_ended(urgency);
}

// Removes one slice of one queue. The record of the session goes last, so that a crash in between leaves the rest of
// the queue to the next start.
void Lifecycle::remove_ended_queues(Instant) {
    constexpr std::size_t rows_per_commit = 1000;
    constexpr std::size_t bytes_per_commit = 1024 * 1024;
    if (ended_queues_.empty()) return;
    EndedQueue& next = ended_queues_.back();
    journal::Journal& journal = services_.journal;
    // Before that, the store may still have rows whose removal is pending: they would be released twice.
    if (!journal.is_durable(next.after)) return;
    auto& rows = loaded_;
    rows.clear();
    services_.store.queued(next.session, next.from, rows_per_commit, bytes_per_commit, rows);
    for (const journal::StoredDelivery& stored : rows) {
        next.from = QueueRow(stored.row.number).next();
        journal.drop(journal::RecordKind::queued, next.session, stored.row.number, journal::Urgency::soon);
        const auto record = journal::parse_queued({stored.row.body.data(), stored.row.body.size()});
        if (!record || services_.references.count(record->message) == 0) continue;
        if (!services_.references.release(record->message)) continue;  // other queues still refer to the message
        services_.message_owners.remove(record->message);
        journal.drop(journal::RecordKind::message, no_session, record->message.value(), journal::Urgency::soon);
    }
    if (!rows.empty()) return;
    journal.drop(journal::RecordKind::session, next.session, 0, journal::Urgency::lazy);
    ended_queues_.pop_back();
}

}  // namespace ledge::broker
