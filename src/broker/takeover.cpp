// Sessions begin, change hands and end (5.0 section 4.1, 3.1.1 section 4.1).
#include <algorithm>
#include <vector>

#include "lifecycle.hpp"

namespace ledge::broker {

using session::Session;
using wire::PropertyId;
using wire::ReasonCode;

std::uint32_t expiry_of(const wire::Connect& connect, const session::SessionLimits& limits) {
    if (connect.version != wire::Version::v5) return connect.clean_start ? 0 : limits.session_expiry_v3_s;
    return std::min(connect.properties.number(PropertyId::session_expiry_interval).value_or(0),
                    limits.session_expiry_max_s);
}

void Lifecycle::open(session::Connection& connection, const session::OpenSession& open, Instant now) {
    if (environment_.journal.is_failed() && !is_possible_without_store(connection, open))
        return connection.close(ReasonCode::server_unavailable, "the store has failed");
    if (belongs_to_another(connection, open))
        return connection.close(ReasonCode::client_identifier_not_valid,
                                "the session of this client identifier belongs to another user");
    if (is_one_too_many(connection, open.client_id))
        return connection.close(ReasonCode::quota_exceeded, "connections_per_user_max reached");
    const auth::Identity* identity = connection.identity();
    session::Account& account = environment_.accounts.of(
        identity != nullptr && identity->user ? *identity->user : std::string(), network_of(connection.address()));
    if (sessions_.find(open.client_id) == nullptr && !make_room(connection, open, account, now)) return;
    Session* session = take_over(open.client_id, open.connect.clean_start, now);
    const bool session_present = session != nullptr;  // [MQTT-3.2.2-2] [MQTT-3.2.2-3]
    if (session == nullptr) session = &sessions_.create(environment_, open.client_id, connection.limits());
    session->expiry_interval_s = expiry_of(open.connect, connection.limits());
    session->set_identity(connection.take_identity());
    store_will(*session, open.connect);
    session->charge_to(account);
    environment_.journal.set_cause(account);
    // What CONNACK says must still be so after a crash: that the session is there, or that the old one is gone. And a
    // crash ends the connection, which is when its will is due.
    session::Journal& journal = environment_.journal;
    bool is_awaited = session_present ? !session->is_durable() : is_removal_under_way(open.client_id);
    if (session->is_persistent() || session->is_stored()) session->put_record(never, session::Urgency::lazy);
    if (session->will != nullptr && session->is_stored()) is_awaited = true;
    count_user(connection, *session, true);
    ++connected_;
    connected_max_ = std::max(connected_max_, connected_);
    connection.accept(open, *session, session_present, now);
    if (!is_awaited || journal.is_failed()) return;
    connection.hold_output(journal.last());
    journal.hurry();
}

// The connection that it takes over, if that is of the same user, does not count: it goes.
bool Lifecycle::is_one_too_many(const session::Connection& connection, std::string_view client_id) const {
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
    count = comes ? count + 1 : count - 1;
    if (count == 0) users_.erase(*identity->user);
}

// Whoever knows or guesses a client identifier must not get the messages of its owner, nor end his session or his
// connection. Sessions of clients without a proven name are anybody's who comes, and then his.
bool Lifecycle::belongs_to_another(const session::Connection& connection, const session::OpenSession& open) const {
    const Session* session = sessions_.find(open.client_id);
    if (session == nullptr || session->owner().empty() || !environment_.policy.binds_sessions) return false;
    const auth::Identity* identity = connection.identity();
    const std::string_view user = identity != nullptr && identity->user ? *identity->user : std::string_view();
    if (user == session->owner()) return false;
    environment_.log.warning("session_of_another_user", {{"client_id", open.client_id},
                                                         {"owner", session->owner()},
                                                         {"user", user},
                                                         {"address", connection.address()}});
    return true;
}

// The store has failed: what is stored stays and can be resumed, but nothing new can be promised and nothing removed.
bool Lifecycle::is_possible_without_store(const session::Connection& connection,
                                          const session::OpenSession& open) const {
    const Session* session = sessions_.find(open.client_id);
    if (session == nullptr || !session->is_stored()) return expiry_of(open.connect, connection.limits()) == 0;
    return !open.connect.clean_start && session->is_durable();
}

// The session to resume, or nullptr when a new one begins.
Session* Lifecycle::take_over(std::string_view client_id, bool clean_start, Instant now) {
    Session* session = sessions_.find(client_id);
    if (session != nullptr && session->is_online()) {
        ++environment_.counters.takeovers;
        session::Connection& previous = *session->connection();
        previous.close(ReasonCode::session_taken_over,
                       "another connection uses this client identifier");  // [MQTT-3.1.4-3]
        detach(previous, now);
        session = sessions_.find(client_id);  // it may have ended with its connection
    }
    if (session == nullptr || !clean_start) return session;
    end(*session, now);  // [MQTT-3.1.2-4]
    return nullptr;
}

void Lifecycle::detach(session::Connection& connection, Instant now) {
    Session* session = connection.session();
    if (session == nullptr) return;
    connection.forget_session();
    count_user(connection, *session, false);
    session->detach();
    --connected_;
    if (!connection.is_will_due()) session->will.reset();            // [MQTT-3.1.2-10]
    if (session->expiry_interval_s == 0) return end(*session, now);  // [MQTT-3.1.2-23]
    Instant expires_at = never;
    if (session->expiry_interval_s != session::expiry_never) {
        expires_at = add_seconds(now, session->expiry_interval_s);
        environment_.timers.set(session->expiry_timer, expires_at);
    }
    schedule_will(*session, now);
    session->go_away();
    if (session->is_stored()) session->put_record(expires_at, session::Urgency::lazy);
}

void Lifecycle::on_session_expired(Session& session, Instant now) {
    ++environment_.counters.sessions_expired;
    environment_.log.info("session_expired", {{"client_id", session.client_id()}, {"queued", session.backlog()}});
    end(session, now);
}

void Lifecycle::end(Session& session, Instant now) {
    if (session.will != nullptr) publish_will(session, now);
    hand_on_shared(session, now);
    if (session.is_stored()) remove_record(session);
    sessions_.erase(session);
}

void Lifecycle::remove_record(Session& session) {
    if (session.pending().has_stored_tail())
        leave_to_take_down(session);
    else
        session.drop_record();
    if (environment_.journal.is_durable(older_removals_.last)) older_removals_ = std::exchange(removals_, {});
    removals_.by_client_id[session.client_id()] = removals_.last = environment_.journal.last();
}

// A session of this client has ended, and a crash could bring it back.
bool Lifecycle::is_removal_under_way(const std::string& client_id) const {
    for (const Removals* removals : {&removals_, &older_removals_}) {
        const auto removal = removals->by_client_id.find(client_id);
        if (removal != removals->by_client_id.end() && !environment_.journal.is_durable(removal->second)) return true;
    }
    return false;
}

// What was picked for this session as a member of a group and is not acknowledged goes to the others. Not a QoS 2
// message that was sent: another client could get it a second time [MQTT-4.8.2-5].
void Lifecycle::hand_on_shared(Session& session, Instant now) {
    std::vector<session::Delivery> left;
    session.inflight().for_each([&](wire::PacketId, session::Inflight::Entry& entry) {
        if (entry.state != session::OutState::released) ++environment_.counters.dropped_session_ended;
        const bool is_shared = entry.delivery.share_group != 0 && entry.state == session::OutState::sent_qos1;
        left.push_back(std::move(entry.delivery));
        if (!is_shared) left.back().share_group = 0;
    });
    while (session.pending().has_loaded()) {
        ++environment_.counters.dropped_session_ended;
        left.push_back(session.dequeue());
    }
    subscriptions_.remove_all(session);
    for (session::Delivery& delivery : left) {
        if (delivery.share_group != 0 && session.load_publication(delivery)) hand_on(delivery, now);
        session.discard(delivery);
    }
}

void Lifecycle::hand_on(const session::Delivery& delivery, Instant now) {
    // Its publisher may be waiting: now for the commit that has the new record.
    if (delivery.barrier != 0) environment_.barriers.require_commit(delivery.barrier);
    if (router_.reroute(delivery, now)) --environment_.counters.dropped_session_ended;
}

// ---------------------------------------------------------------------------------------------------------------------
// Stored queues of sessions that have ended

void Lifecycle::leave_to_take_down(Session& session) {
    environment_.counters.dropped_session_ended += session.pending().stored_rows();
    take_downs_.push_back({session.number(), session.pending().stored_from(), environment_.journal.last()});
    session.end_record();
}

void Lifecycle::take_down(Instant) {
    constexpr std::size_t rows_per_commit = 1000;
    constexpr std::size_t bytes_per_commit = 1024 * 1024;
    if (take_downs_.empty()) return;
    TakeDown& next = take_downs_.back();
    session::Journal& journal = environment_.journal;
    if (!journal.is_durable(next.after)) return;  // until then the store still has rows that were let go of by hand
    auto& rows = environment_.loaded;
    rows.clear();
    environment_.store.queued(environment_.store.context, next.session, next.from, rows_per_commit, bytes_per_commit,
                              rows);
    for (const session::StoredDelivery& stored : rows) {
        next.from = stored.row.number + 1;
        journal.drop(session::RecordKind::drop_queued, next.session, stored.row.number, session::Urgency::soon);
        const auto record = session::parse_queued({stored.row.body.data(), stored.row.body.size()});
        if (!record || !environment_.references.release(record->message)) continue;
        environment_.message_owners.remove(record->message);
        journal.drop(session::RecordKind::drop_message, 0, record->message, session::Urgency::soon);
    }
    if (!rows.empty()) return;
    journal.drop(session::RecordKind::drop_session, next.session, 0, session::Urgency::lazy);
    take_downs_.pop_back();
}

}  // namespace ledge::broker
