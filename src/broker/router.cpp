// Router: which sessions a publication reaches (the hits), and whether the publisher gets an acknowledgement. The
// fanout delivers to the hits.
#include "router.hpp"

#include <algorithm>
#include <functional>

#include "ledge/auth/rights.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/broker/options.hpp"
#include "ledge/session/applied_rules.hpp"
#include "ledge/session/limits.hpp"
#include "ledge/session/queue_losses.hpp"
#include "ledge/session/system_topics.hpp"
#include "ledge/topic/name.hpp"

namespace ledge::broker {

using wire::QoS;
using wire::ReasonCode;

[[gnu::hot]] Router::Routed Router::route(const journal::PublicationView& publication,
                                          const session::Session* publisher, Refusal refusal, Ticket not_before,
                                          Instant now) {
    // The level comes first, because it decides which hits need a record in the store.
    const journal::Durability level = level_of(publication.topic);
    collect(publication, publisher);
    if (refusal != Refusal::impossible) {
        const ReasonCode code = refuse(publication, publisher, level, refusal, not_before, now);
        if (code != ReasonCode::success) {
            if (services_.counters.traces != 0) trace_refused(publication, publisher, level, not_before);
            return {code, {}};
        }
    }
    const bool is_kept = publication.retain && !is_retained_refused(publication, publisher);
    // A publisher that can be told is refused as a whole: an acknowledgement would say that the message is retained.
    // Otherwise (QoS 0, a will) the message is delivered to the present subscribers, which is better than nothing.
    if (publication.retain && !is_kept && refusal != Refusal::impossible && publication.qos != QoS::at_most_once)
        return {ReasonCode::quota_exceeded, {}};
    // Nothing was stored or sent so far, so after a refusal the publisher may send the message again.
    fanout_.begin(publication, {level, not_before, hits_.size() > 1, hits_.size()}, now);
    if (services_.counters.traces != 0) [[unlikely]]
        trace_routing(publication, publisher, is_kept);
    const Ticket retained = is_kept ? retained_.store(fanout_.kept(), publication, level) : no_ticket;
    for (const Hit& hit : hits_) fanout_.deliver(hit);
    Routed routed{hits_.empty() ? ReasonCode::no_matching_subscribers : ReasonCode::success, fanout_.end()};
    // The record of a retained message is needed even when all subscribers have acknowledged. So the publisher waits
    // for the commit.
    if (level == journal::Durability::durable && retained != no_ticket) {
        if (services_.counters.traces != 0)
            services_.tracer.await_commit({.stage = session::TraceStage::stored,
                                           .client_id = "",
                                           .topic = publication.topic,
                                           .message = services_.tracer.routed(),
                                           .qos = publication.qos,
                                           .detail = "as retained message"},
                                          retained);
        routed.ack.ticket = std::max(routed.ack.ticket, retained);
        routed.ack.hold.abandon();
    }
    return routed;
}

// Why the publication must be refused: the store could not keep what the acknowledgement would promise, or the queue of
// a subscriber is full and its policy is `refuse`. success when the publication is accepted.
[[gnu::hot]] ReasonCode Router::refuse(const journal::PublicationView& publication, const session::Session* publisher,
                                       journal::Durability level, Refusal refusal, Ticket not_before, Instant now) {
    LEDGE_ASSERT(refusal != Refusal::impossible);
    const journal::Journal& journal = services_.journal;
    session::Counters& counters = services_.counters;
    if (journal.refuses_publications() && (not_before != no_ticket || needs_store(publication, level))) {
        ++counters.refused_quota;
        return journal.is_failed() ? ReasonCode::implementation_specific_error : ReasonCode::quota_exceeded;
    }
    // Publications that need no store cannot make the shortage worse.
    if (is_over_share(publisher) && needs_store(publication, level)) {
        ++counters.refused_share;
        note_over_share(*publisher, now);
        return ReasonCode::quota_exceeded;
    }
    if (!may_refuse_ || !is_refused_by_a_queue(publication, refusal, now)) return ReasonCode::success;
    ++counters.refused_quota;
    return ReasonCode::quota_exceeded;
}

// True when the owner of the publisher has used up its share of the store or of the journal. Shares hold only above a
// certain use. They keep one owner from filling the store and from blocking the writes of the others.
[[gnu::hot]] bool Router::is_over_share(const session::Session* publisher) const {
    if (publisher == nullptr || publisher->account() == nullptr) return false;
    const session::Account& account = *publisher->account();
    return services_.accounts.is_over_store_share(account) || services_.journal.is_crowded_by(account);
}

void Router::note_over_share(const session::Session& publisher, Instant now) {
    LEDGE_ASSERT(publisher.account() != nullptr);
    constexpr Duration log_interval = 10s;
    // A publisher that is refused may try again at once; its attempts must not fill the log.
    if (now < next_log_at_) return;
    next_log_at_ = now + log_interval;
    const session::Account& account = *publisher.account();
    const bool is_of_store = services_.accounts.is_over_store_share(account);
    services_.log.warning("owner_over_share",
                          {{"owner", account.name},
                           {"client_id", publisher.client_id()},
                           {"share_of", is_of_store ? "the store" : "the records that wait to be written"},
                           {"stored_bytes", account.stored_bytes},
                           {"share_bytes", is_of_store ? services_.accounts.stored_bytes_max() : 0},
                           {"waiting_bytes", account.journal_bytes},
                           {"limit", "a quarter of store.size_max_bytes, or of what the disk has room for"},
                           {"outcome", "durable publications of this owner are refused, those of others are not"}});
}

// Retained messages have three limits: memory, the publisher's share of the store, and the limits of `retained`. A
// removal (empty payload) passes all three. The first refusal of a series is logged.
bool Router::is_retained_refused(const journal::PublicationView& publication, const session::Session* publisher) {
    const bool is_short = services_.memory.refuses_to_keep() && !publication.payload.empty() &&
                          !session::belongs_to_broker(publication.topic);
    const bool is_over = !publication.payload.empty() && is_over_share(publisher) &&
                         level_of(publication.topic) != journal::Durability::ram;
    if (!is_short && !is_over && retained_.has_room_for(publication)) {
        is_retained_full_ = false;
        return false;
    }
    ++services_.counters.retained_refused;
    const std::string_view reason = is_short  ? "the memory budget is nearly used up"
                                    : is_over ? "the publisher has used up its share of the store"
                                              : "the limit of retained messages or bytes is reached";
    if (services_.counters.traces != 0) trace_not_kept(publication, publisher, reason);
    if (!std::exchange(is_retained_full_, true))
        services_.log.warning("retained_refused",
                              {{"client_id", publisher == nullptr ? "" : std::string_view(publisher->client_id())},
                               {"user", publisher == nullptr ? "" : publisher->owner()},
                               {"topic", publication.topic},
                               {"reason", reason},
                               {"limit", is_short  ? "memory.budget_bytes"
                                         : is_over ? "store.size_max_bytes"
                                                   : retained_.full_limit()},
                               {"messages", retained_.limited_messages()},
                               {"bytes", retained_.limited_bytes()}});
    return true;
}

[[gnu::hot]] journal::Durability Router::level_of(std::string_view topic) const {
    // Without a store no level above ram can be kept, whatever the configuration says.
    if (!services_.journal.is_enabled()) return journal::Durability::ram;
    // The first override that matches counts, in the order of the configuration.
    for (const DurabilityOptions::Override& override : durability_.overrides)
        if (topic::matches(override.filter, topic)) return override.level;
    return durability_.level;
}

// True when the store would have to keep the publication, as a retained message or for at least one receiver.
bool Router::needs_store(const journal::PublicationView& publication, journal::Durability level) const {
    if (publication.qos == QoS::at_most_once) return false;
    if (publication.retain && level != journal::Durability::ram) return true;
    return std::ranges::any_of(hits_, [level](const Hit& hit) { return hit.needs_record(level); });
}

[[gnu::hot]] void Router::collect(const journal::PublicationView& publication, const session::Session* publisher) {
    hits_.clear();
    ruled_.clear();
    const auto filters = subscriptions_.match(publication.topic);
    // Within one filter each session appears once, so the index is needed only for several filters.
    is_merging_ = filters.size() > 1;
    if (is_merging_) clear_hit_index();
    for (const FilterId filter : filters)
        for (const Subscriber& subscriber : subscriptions_.subscribers(filter).items())
            collect(subscriber, publication, publisher);
    if (ruled_.size() > 1) leave_to_others(publication.topic);
    if (subscriptions_.has_shared()) collect_shared(publication, publisher);
}

// A session leaves a topic to another one only if that one is among the receivers. Otherwise the message would be
// acknowledged and lost while the other session cannot subscribe.
void Router::leave_to_others(std::string_view topic) {
    for (const session::Session* const session : ruled_) {
        const session::AppliedRules& rules = *session->queue().rules();
        const auto is_other = [&](const session::Session* one) { return one->client_id() == rules.other_client(); };
        if (!rules.leaves_to_other(topic) || std::ranges::none_of(ruled_, is_other)) continue;
        std::erase_if(hits_, [session](const Hit& hit) { return hit.session == session; });
    }
}

// Clearing takes time in proportion to the number of slots. So a table that grew for a publication with many receivers
// is freed; otherwise all later publications would pay for it.
void Router::clear_hit_index() {
    constexpr std::size_t slots_max = 1024;
    if (hit_of_.bucket_count() > slots_max && hit_of_.size() < hit_of_.bucket_count() / 8)
        hit_of_ = {};
    else
        hit_of_.clear();
}

// A session with several matching subscriptions gets one copy, with the highest QoS and all subscription identifiers
// [MQTT-3.3.4-2] [MQTT-3.3.4-3] [MQTT-3.3.4-4].
[[gnu::hot]] void Router::collect(const Subscriber& subscriber, const journal::PublicationView& publication,
                                  const session::Session* publisher) {
    LEDGE_ASSERT(subscriber.session != nullptr);
    session::Session& session = *subscriber.session;
    if (subscriber.options.no_local && &session == publisher) return;  // [MQTT-3.8.3-3]
    const session::AppliedRules* const rules = session.queue().rules();
    if (rules != nullptr && publisher != nullptr && rules->excludes_publisher(publisher->client_id())) return;
    const QoS qos = std::min(publication.qos, subscriber.options.qos);  // [MQTT-3.8.4-8]
    const bool retain =
        subscriber.options.retain_as_published && publication.retain;  // [MQTT-3.3.1-12] [MQTT-3.3.1-13]
    // An earlier filter may have found this session already: then its hit is extended.
    if (const auto found = is_merging_ ? hit_of_.find(&session) : hit_of_.end(); found != hit_of_.end()) {
        LEDGE_ASSERT(found->second < hits_.size());
        Hit& hit = hits_[found->second];
        hit.qos = std::max(hit.qos, qos);
        hit.retain = hit.retain || retain;
        hit.ids.add(subscriber.subscription_id);
        return;
    }
    // Checked for each message, because a wildcard subscription may match topics that the rules deny.
    if (!auth::may_receive(session.rights(), publication.topic)) return;
    if (rules != nullptr) ruled_.push_back(&session);
    if (is_merging_) hit_of_.emplace(&session, static_cast<std::uint32_t>(hits_.size()));
    Hit& hit = hits_.emplace_back();
    hit.session = &session;
    hit.qos = qos;
    hit.retain = retain;
    hit.ids.add(subscriber.subscription_id);
}

// Each group gets a copy of its own, even when the picked member also has an ordinary subscription [MQTT-4.8.2-4].
void Router::collect_shared(const journal::PublicationView& publication, const session::Session* publisher) {
    // For ShareStrategy::sticky_publisher: a publisher always gets the same hash, so the same member.
    const std::uint64_t sender = publisher == nullptr ? 0 : std::hash<std::string>{}(publisher->client_id());
    for (const ShareGroupId group : subscriptions_.match_shared(publication.topic)) {
        const Subscriber* member =
            subscriptions_.groups().pick(subscriptions_.groups().at(group), sender, publication.topic);
        if (member == nullptr) continue;  // the rules allow no member to receive this topic
        Hit& hit = hits_.emplace_back();
        hit.session = member->session;
        hit.share_group = group;
        hit.qos = std::min(publication.qos, member->options.qos);
        hit.retain = member->options.retain_as_published && publication.retain;
        hit.ids.add(member->subscription_id);
    }
}

// The connection of a 3.x publisher is closed only for the full queue of an offline session, never for that of a
// connected one. The connected client may be the publisher itself, or may wait for the publisher: if the publisher were
// closed after each reconnect, that client could never empty its queue.
bool Router::is_refused_by_a_queue(const journal::PublicationView& publication, Refusal refusal, Instant now) const {
    if (publication.qos == QoS::at_most_once) return false;
    return std::ranges::any_of(hits_, [&](const Hit& hit) {
        const session::SessionLimits& limits = hit.session->limits();
        const auto fits = [&] {
            const bool is_stored = hit.session->is_stored();
            // Under memory pressure the fanout would drop this delivery, so the publisher must be told now.
            if (!is_stored && !hit.session->is_online() && services_.memory.refuses_to_keep()) return false;
            return hit.session->queue().fits(publication.topic, publication.bytes(), is_stored, limits);
        };
        const bool may_say_no = hit.qos != QoS::at_most_once && limits.overflow == session::OverflowPolicy::refuse &&
                                !hit.session->keeps_up() &&
                                (refusal == Refusal::by_reason_code || !hit.session->is_online());
        if (!may_say_no || fits()) return false;
        // Only now look for expired messages: the search is O(n).
        hit.session->queue().discard_expired(now);
        if (fits()) return false;
        hit.session->queue().note_losses(&session::QueueLosses::refused);
        return true;
    });
}

bool Router::reroute(const session::Delivery& delivery, Instant now) {
    ShareGroup* group = subscriptions_.groups().find(delivery.share_group);
    if (group == nullptr || delivery.publication.expires_at() <= now) return false;
    const journal::PublicationView publication = delivery.publication.view();
    // The publisher is not known any more, so every strategy gets the hash 0.
    const Subscriber* member = subscriptions_.groups().pick(*group, 0, publication.topic);
    if (member == nullptr) return false;
    LEDGE_ASSERT(member->session != nullptr);
    Hit hit;
    hit.session = member->session;
    hit.share_group = delivery.share_group;
    hit.qos = std::min(delivery.qos, member->options.qos);
    hit.retain = delivery.retain;
    hit.ids.add(member->subscription_id);
    fanout_.begin(publication, {level_of(publication.topic), delivery.not_before, false, 1}, now);
    fanout_.deliver(hit);
    fanout_.end();  // the publisher's acknowledgement was settled or abandoned by the caller
    return true;
}

void Router::route_unacknowledged(const journal::PublicationView& publication, const session::Session* publisher,
                                  Instant now) {
    route(publication, publisher, Refusal::impossible, no_ticket, now);
}

}  // namespace ledge::broker
