// Wills: stored with CONNECT, published when the connection ends without DISCONNECT 0x00, or after their delay, or when
// the session ends, whichever comes first [MQTT-3.1.3-9] (5.0 section 3.1.3.2.2). When the broker went away they are
// deferred: a client has the time to come back in which the broker would have waited for it [MQTT-3.1.2-8].
#include <algorithm>
#include <functional>
#include <utility>

#include "lifecycle.hpp"

namespace ledge::broker {

using wire::PropertyId;

namespace {

// After a start. A client notices the end of its connection at once, or when it sends something, at the latest one keep
// alive later, and then comes back after a pause of its own.
constexpr Duration return_time_min = 10s;
constexpr Duration return_time_without_keep_alive = 60s;

Duration return_time(const journal::StoredWill& will) {
    if (will.keep_alive_s == 0) return return_time_without_keep_alive;
    return std::max<Duration>(return_time_min, std::chrono::milliseconds(will.keep_alive_s * 1500));  // [MQTT-3.1.2-22]
}

}  // namespace

void Lifecycle::store_will(session::Session& session, const wire::Connect& connect, std::uint16_t keep_alive_s) {
    session.will.reset();
    session.will_timer.cancel();  // that of an earlier connection
    if (!connect.will) return;
    const wire::Will& wish = *connect.will;
    wire::PropertyBuilder kept;
    for (auto property = wish.properties.begin(); property != wish.properties.end(); ++property) {
        if (property->id != PropertyId::will_delay_interval && property->id != PropertyId::message_expiry_interval)
            kept.raw(property.raw(), 0);
    }
    auto will = std::make_unique<journal::StoredWill>();
    will->publication =  // counted with the session's tables
        journal::Publication({wish.topic, wish.payload, kept.view().raw(), never, wish.qos, wish.retain});
    will->keep_alive_s = keep_alive_s;
    will->delay_s = wish.properties.number(PropertyId::will_delay_interval).value_or(0);
    if (const auto expiry = wish.properties.number(PropertyId::message_expiry_interval)) {
        will->has_expiry = true;
        will->expiry_interval_s = *expiry;
    }
    session.will = std::move(will);
}

// The session outlives its connection. A delay beyond the session's expiry ends with the session: see end().
void Lifecycle::schedule_will(session::Session& session, Instant now) {
    if (session.will == nullptr) return;
    if (session.will->delay_s == 0) return publish_will(session, now);
    services_.timers.set(session.will_timer, add_seconds(now, session.will->delay_s));
}

// The record goes without the will into the same commit as what the will leads to: a crash publishes it once or later.
void Lifecycle::on_will_delay_passed(session::Session& session, Instant now) {
    publish_will(session, now);
    if (!session.is_persistent()) return end(session, now);
    if (session.is_stored()) session.put_record(session.recorded_expiry(), journal::Urgency::lazy);
}

// The will of a session that ends with its connection is worth a record when somebody can have it after a start, and
// when its topic's level promises that much. A client that leaves its identifier to the broker comes back under another
// one: it could not take its will along, and would be reported gone while it is there.
bool Lifecycle::needs_will_record(const session::Session& session, const wire::Connect& connect) const {
    if (session.will == nullptr || session.is_persistent() || services_.journal.is_failed()) return false;
    if (connect.client_id.empty()) return false;
    const journal::PublicationView wish = session.will->publication.view();
    return (wish.retain || wish.qos != wire::QoS::at_most_once) &&
           router_.level_of(wish.topic) != journal::Durability::ram;
}

// True: the session ended with it. Its client is back after a start of the broker, so it has not gone.
bool Lifecycle::ends_deferred_will(session::Session& session, Instant now) {
    if (session.is_online() || session.will == nullptr || !session.will->is_deferred) return false;
    session.will.reset();
    session.will_timer.cancel();
    if (session.is_persistent()) return false;
    end(session, now, journal::Urgency::paced);
    return true;
}

void Lifecycle::restore_will(session::Session& session, journal::StoredWill will, Instant due, Instant now) {
    const Instant latest = now + std::max<Duration>(return_time(will), std::chrono::seconds(will.delay_s));
    session.will = std::make_unique<journal::StoredWill>(std::move(will));
    session.will->is_deferred = true;
    services_.timers.set(session.will_timer, std::clamp(due, now + return_time_min, latest));
}

void Lifecycle::restore_wills(Instant now) {
    // Of several of a client the last counts: its connection came after the end of the others.
    std::ranges::sort(wills_alone_, std::ranges::greater(), &WillAlone::number);
    for (WillAlone& alone : std::exchange(wills_alone_, {})) {
        if (sessions_.find(alone.client_id) != nullptr) {
            if (alone.number != 0)
                services_.journal.drop(journal::RecordKind::session, alone.number, 0, journal::Urgency::lazy);
            continue;
        }
        alone.will.delay_s = 0;  // its session has ended already (5.0 section 3.1.3.2.2)
        session::Session& session = sessions_.create(services_.for_sessions, alone.client_id, limits_of_restored_);
        set_owner(session, alone.owner);
        session.charge_to(services_.accounts.of(alone.owner, alone.network));
        session.go_away();
        session.set_will_record(alone.number);
        restore_will(session, std::move(alone.will), alone.due, now);
        session.put_will_record(journal::Urgency::lazy);  // its time counts once, not anew from each start
    }
}

void Lifecycle::publish_will(session::Session& session, Instant now) {
    const auto will = std::move(session.will);
    session.will_timer.cancel();
    if (will == nullptr) return;
    const journal::PublicationView wish = will->publication.view();
    if (const auth::Rights* rights = session.rights(); rights != nullptr && !rights->may_publish(wish.topic)) {
        ++services_.counters.refused_not_allowed;  // the rules have changed since CONNECT
        return services_.log.info("will_refused",
                                  {{"client_id", session.client_id()},
                                   {"topic", wish.topic},
                                   {"rule", rights->explain(rights->judge(wish.topic, auth::Access::write))}});
    }
    journal::PublicationView publication = wish;
    if (will->has_expiry) publication.expires_at = add_seconds(now, will->expiry_interval_s);
    if (publication.retain) publication.source = session.source(source_);
    ++services_.counters.wills_published;
    services_.log.info("will_published", {{"client_id", session.client_id()}, {"topic", publication.topic}});
    if (services_.journal.is_saturated()) {  // for want of room on the disk: see Journal
        ++services_.counters.dropped_queue_full;
        return;
    }
    router_.route_unacknowledged(publication, &session, now);
}

}  // namespace ledge::broker
