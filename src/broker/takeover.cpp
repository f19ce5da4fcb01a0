// Sessions begin, change hands and end (5.0 section 4.1, 3.1.1 section 4.1).
#include <algorithm>
#include <vector>

#include "lifecycle.hpp"

namespace ledge::broker {

using session::Session;
using wire::PropertyId;
using wire::ReasonCode;

namespace {

std::uint32_t expiry_of(const wire::Connect& connect, const session::SessionLimits& limits) {
    if (connect.version != wire::Version::v5) return connect.clean_start ? 0 : limits.session_expiry_v3_s;
    return std::min(connect.properties.number(PropertyId::session_expiry_interval).value_or(0),
                    limits.session_expiry_max_s);
}

}  // namespace

void Lifecycle::open(session::Connection& connection, const session::OpenSession& open, Instant now) {
    Session* session = take_over(open.client_id, open.connect.clean_start, now);
    const bool session_present = session != nullptr;  // [MQTT-3.2.2-2] [MQTT-3.2.2-3]
    if (session == nullptr) {
        if (sessions_.size() >= sessions_max_)
            return connection.close(ReasonCode::quota_exceeded, "sessions_max reached");
        session = &sessions_.create(environment_, open.client_id, connection.limits());
    }
    session->expiry_interval_s = expiry_of(open.connect, connection.limits());
    store_will(*session, open.connect);
    ++connected_;
    connected_max_ = std::max(connected_max_, connected_);
    connection.accept(open, *session, session_present, now);
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
    session->detach();
    --connected_;
    if (!connection.is_will_due()) session->will.reset();            // [MQTT-3.1.2-10]
    if (session->expiry_interval_s == 0) return end(*session, now);  // [MQTT-3.1.2-23]
    if (session->expiry_interval_s != session::expiry_never)
        environment_.timers.set(session->expiry_timer, add_seconds(now, session->expiry_interval_s));
    schedule_will(*session, now);
}

void Lifecycle::on_session_expired(Session& session, Instant now) {
    ++environment_.counters.sessions_expired;
    environment_.log.info("session_expired", {{"client_id", session.client_id()}, {"queued", session.backlog()}});
    end(session, now);
}

void Lifecycle::end(Session& session, Instant now) {
    if (session.will != nullptr) publish_will(session, now);
    hand_on_shared(session, now);
    sessions_.erase(session);
}

// What was picked for this session as a member of a group and is not acknowledged goes to the others. Not a QoS 2
// message that was sent: another client could get it a second time [MQTT-4.8.2-5].
void Lifecycle::hand_on_shared(Session& session, Instant now) {
    std::vector<session::Delivery> left;
    session.inflight().for_each([&](wire::PacketId, session::Inflight::Entry& entry) {
        if (entry.delivery.share_group != 0 && entry.state == session::OutState::sent_qos1)
            left.push_back(entry.delivery);
        else if (entry.state != session::OutState::released)
            ++environment_.counters.dropped_session_ended;
    });
    while (!session.pending().empty()) {
        session::Delivery delivery = session.dequeue();
        if (delivery.share_group != 0)
            left.push_back(std::move(delivery));
        else
            ++environment_.counters.dropped_session_ended;
    }
    subscriptions_.remove_all(session);
    for (const session::Delivery& delivery : left) router_.reroute(delivery, now);
}

}  // namespace ledge::broker
