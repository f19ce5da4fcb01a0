// Wills: stored with CONNECT, published when the connection ends without DISCONNECT 0x00, or after their delay, or when
// the session ends, whichever comes first [MQTT-3.1.3-9] (5.0 section 3.1.3.2.2).
#include <algorithm>

#include "lifecycle.hpp"

namespace ledge::broker {

using wire::PropertyId;

void Lifecycle::store_will(session::Session& session, const wire::Connect& connect) {
    session.will.reset();
    if (!connect.will) return;
    const wire::Will& wish = *connect.will;
    wire::PropertyBuilder kept;
    for (auto property = wish.properties.begin(); property != wish.properties.end(); ++property) {
        if (property->id != PropertyId::will_delay_interval && property->id != PropertyId::message_expiry_interval)
            kept.raw(property.raw(), 0);
    }
    auto will = std::make_unique<session::StoredWill>();
    will->publication =  // counted with the session's tables
        session::Publication({wish.topic, wish.payload, kept.view().raw(), never, wish.qos, wish.retain});
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
    environment_.timers.set(session.will_timer, add_seconds(now, session.will->delay_s));
}

// The record goes without the will into the same commit as what the will leads to: a crash publishes it once or later.
void Lifecycle::on_will_delay_passed(session::Session& session, Instant now) {
    publish_will(session, now);
    if (session.is_stored()) session.put_record(session.expiry_timer.deadline(), session::Urgency::lazy);
}

void Lifecycle::publish_will(session::Session& session, Instant now) {
    const auto will = std::move(session.will);
    session.will_timer.cancel();
    if (will == nullptr) return;
    const session::PublicationView wish = will->publication.view();
    if (const auth::Rights* rights = session.rights(); rights != nullptr && !rights->may_publish(wish.topic)) {
        ++environment_.counters.refused_not_allowed;  // the rules have changed since CONNECT
        return environment_.log.info("will_refused",
                                     {{"client_id", session.client_id()},
                                      {"topic", wish.topic},
                                      {"rule", rights->explain(rights->judge(wish.topic, auth::Access::write))}});
    }
    session::PublicationView publication = wish;
    if (will->has_expiry) publication.expires_at = add_seconds(now, will->expiry_interval_s);
    if (publication.retain) publication.source = session.source(environment_.inbound_source);
    ++environment_.counters.wills_published;
    environment_.log.info("will_published", {{"client_id", session.client_id()}, {"topic", publication.topic}});
    router_.route_unacknowledged(publication, &session, now);
}

}  // namespace ledge::broker
