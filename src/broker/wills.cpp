// Lifecycle: wills. A will is stored with CONNECT. It is published when the connection ends without DISCONNECT 0x00: at
// once, after its delay, or when the session ends, whichever comes first [MQTT-3.1.3-9] (5.0 section 3.1.3.2.2). When
// the broker was stopped or has crashed, wills are deferred: after the start a client has as much time to return as the
// broker would have waited for a sign of life [MQTT-3.1.2-8].
#include <algorithm>
#include <functional>
#include <utility>

#include "ledge/auth/rights.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/journal/record.hpp"
#include "ledge/journal/records.hpp"
#include "ledge/session/tracer.hpp"
#include "lifecycle.hpp"

namespace ledge::broker {

using wire::PropertyId;

namespace {

// The time for a client to return after a start. A client notices the end of its connection at once, or when it sends a
// packet, which is at the latest one keep alive later. Then it reconnects after a pause of its own.
constexpr Duration return_time_min = 10s;
constexpr Duration return_time_without_keep_alive = 60s;

Duration return_time(const journal::StoredWill& will) {
    if (will.keep_alive_s == 0) return return_time_without_keep_alive;
    return std::max<Duration>(return_time_min, std::chrono::milliseconds(will.keep_alive_s * 1500));  // [MQTT-3.1.2-22]
}

}  // namespace

void Lifecycle::store_will(session::Session& session, const wire::Connect& connect, std::uint16_t keep_alive_s) {
    session.will.reset();
    session.will_timer.cancel();  // it may run for the will of an earlier connection
    if (!connect.will) return;
    // Delay and expiry are instructions for the broker; the other properties are forwarded with the message.
    const wire::Will& wish = *connect.will;
    wire::PropertyBuilder kept;
    for (auto property = wish.properties.begin(); property != wish.properties.end(); ++property) {
        if (property->id != PropertyId::will_delay_interval && property->id != PropertyId::message_expiry_interval)
            kept.raw(property.raw(), 0);
    }
    auto will = std::make_unique<journal::StoredWill>();
    will->publication =  // its memory is counted with the tables of the session
        journal::Publication({wish.topic, wish.payload, kept.view().raw(), never, wish.qos, wish.retain});
    will->keep_alive_s = keep_alive_s;
    will->delay_s = wish.properties.number(PropertyId::will_delay_interval).value_or(0);
    if (const auto expiry = wish.properties.number(PropertyId::message_expiry_interval)) {
        will->has_expiry = true;
        will->expiry_interval_s = *expiry;
    }
    session.will = std::move(will);
}

// For a session that outlives its connection. If the session ends before the delay has passed, end() publishes the
// will.
void Lifecycle::schedule_will(session::Session& session, Instant now) {
    if (session.will == nullptr) return;
    LEDGE_ASSERT(!session.is_online());
    // 5.0 section 3.1.3.2.2: a delay of 0 means that there is no delay.
    if (session.will->delay_s == 0) return publish_will(session, now);
    services_.timers.set(session.will_timer, add_seconds(now, session.will->delay_s));
}

// The session's record is written without the will, in the same commit as the records of the published message. So
// after a crash the store has either that message, or the will, which is then published later.
void Lifecycle::on_will_delay_passed(session::Session& session, Instant now) {
    publish_will(session, now);
    if (!session.is_persistent()) return end(session, now);
    if (session.is_stored()) session.put_record(session.record().expiry(), journal::Urgency::lazy);
}

// True when the will of a session that ends with its connection needs a record of its own. The message must be able to
// reach a subscriber after a start (retained, or QoS 1 or 2), and the level of its topic must be above ram. A client
// without a client id gets another one when it reconnects after a start. It could not cancel its old will, and would be
// reported as gone although it is connected. So its will gets no record.
bool Lifecycle::needs_will_record(const session::Session& session, const wire::Connect& connect) const {
    if (session.will == nullptr || session.is_persistent() || services_.journal.is_failed()) return false;
    if (connect.client_id.empty()) return false;
    const journal::PublicationView wish = session.will->publication.view();
    return (wish.retain || wish.qos != wire::QoS::at_most_once) &&
           router_.level_of(wish.topic) != journal::Durability::ram;
}

// Cancels a deferred will, because its client has returned after the start. True when the session existed only for the
// will, and has ended now.
bool Lifecycle::ends_deferred_will(session::Session& session, Instant now) {
    if (session.is_online() || session.will == nullptr || !session.will->is_deferred) return false;
    session.will.reset();
    session.will_timer.cancel();
    if (session.is_persistent()) return false;
    end(session, now, journal::Urgency::paced);
    return true;
}

void Lifecycle::restore_will(session::Session& session, journal::StoredWill will, Instant due, Instant now) {
    // `due` comes from the record and may lie anywhere. It is limited: not before the client could return, and not
    // later than the will would be due if it were deferred for the first time now.
    const Instant latest = now + std::max<Duration>(return_time(will), std::chrono::seconds(will.delay_s));
    LEDGE_ASSERT(!session.is_online() && session.will == nullptr);
    session.will = std::make_unique<journal::StoredWill>(std::move(will));
    session.will->is_deferred = true;
    services_.timers.set(session.will_timer, std::clamp(due, now + return_time_min, latest));
}

void Lifecycle::restore_wills(Instant now) {
    // Of several wills of one client id, the one with the highest number counts: it belongs to the latest connection.
    std::ranges::sort(wills_alone_, std::ranges::greater(), &WillAlone::number);
    for (WillAlone& alone : std::exchange(wills_alone_, {})) {
        // The client has a later session, so an old will must not report the client as gone.
        if (sessions_.find(alone.client_id) != nullptr) {
            if (alone.number != no_session)
                services_.journal.drop(journal::RecordKind::session, alone.number, 0, journal::Urgency::lazy);
            continue;
        }
        alone.will.delay_s = 0;  // its session has ended already (5.0 section 3.1.3.2.2)
        // A session that carries only the will, until the will is published or its client returns.
        session::Session& session = create(alone.client_id, limits_of_restored(alone.client_id));
        set_owner(session, alone.owner);
        session.charge_to(services_.accounts.of(alone.owner, alone.network));
        session.note_offline();
        session.will_record.restore(alone.number);
        restore_will(session, std::move(alone.will), alone.due, now);
        session.put_will_record(journal::Urgency::lazy);  // the record gets the time, so no later start defers it anew
    }
}

void Lifecycle::publish_will(session::Session& session, Instant now) {
    const auto will = std::move(session.will);  // a will is published at most once
    session.will_timer.cancel();
    if (will == nullptr) return;
    const journal::PublicationView wish = will->publication.view();
    if (const auth::Rights* rights = session.rights(); rights != nullptr && !rights->may_publish(wish.topic)) {
        ++services_.counters.refused_not_allowed;  // the rules allowed the will at CONNECT and have changed since
        const std::string rule = rights->explain(rights->judge(wish.topic, auth::Access::write));
        if (services_.tracer.is_on())
            services_.tracer.note({.stage = session::TraceStage::refused,
                                   .client_id = session.client_id(),
                                   .topic = wish.topic,
                                   .qos = wish.qos,
                                   .detail = rule});
        return services_.log.info(
            "will_refused",
            {{"client_id", session.client_id()}, {"user", session.owner()}, {"topic", wish.topic}, {"rule", rule}});
    }
    journal::PublicationView publication = wish;
    if (will->has_expiry) publication.expires_at = add_seconds(now, will->expiry_interval_s);
    // Retained messages keep their source, because the rules are checked again whenever such a message is delivered.
    if (publication.retain) publication.source = session.source(source_);
    ++services_.counters.wills_published;
    services_.log.info("will_published", {{"client_id", session.client_id()}, {"topic", publication.topic}});
    // The disk is full, and the journal has no room either: see Journal.
    if (services_.journal.is_saturated())
        return services_.tracer.drop({.reason = &session::Counters::dropped_queue_full,
                                      .client_id = session.client_id(),
                                      .topic = publication.topic,
                                      .qos = publication.qos});
    router_.route_unacknowledged(publication, &session, now);
}

}  // namespace ledge::broker
