#include "ledger.hpp"

#include <algorithm>

namespace ledge::sim {

using wire::PropertyId;
using wire::Version;

namespace {

std::vector<std::string> levels_of(const std::string& text) {
    std::vector<std::string> levels(1);
    for (const char letter : text) {
        if (letter == '/') {
            levels.emplace_back();
        } else {
            levels.back() += letter;
        }
    }
    return levels;
}

constexpr std::string_view share_prefix = "$share/";

}  // namespace

bool is_match(const std::string& filter, const std::string& topic) {
    const std::vector<std::string> wanted = levels_of(filter);
    const std::vector<std::string> given = levels_of(topic);
    if (given[0].starts_with('$') && (wanted[0] == "+" || wanted[0] == "#")) return false;  // [MQTT-4.7.2-1]
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        if (wanted[i] == "#") return true;  // also of the level above
        if (i >= given.size() || (wanted[i] != "+" && wanted[i] != given[i])) return false;
    }
    return wanted.size() == given.size();
}

Ledger::Ledger(std::size_t clients, const LedgerRules& rules, Emit emit)
    : rules_(rules), emit_(std::move(emit)), seats_(clients) {
    taken_.seats = stored_.seats = seats_;
}

Event Ledger::event(Kind kind, std::int32_t client) const {
    Event event;
    event.kind = kind;
    event.client = client;
    event.link = client >= 0 ? seat(client).link : -1;
    event.number = client >= 0 ? seat(client).generation : 0;
    return event;
}

// ---- Sessions

void Ledger::begin(std::int32_t client) {
    Seat& mine = seat(client);
    mine.exists = true;
    mine.is_stored = false;
    mine.generation = ++generations_;
    emit_(event(Kind::session_began, client));
}

void Ledger::end(std::int32_t client, const char* why) {
    Seat& mine = seat(client);
    if (!mine.exists) return;
    Event ended = event(Kind::session_ended, client);
    ended.text = why;
    forget_in_wills(client);
    mine.exists = false;
    mine.ends_from = never;
    mine.subscriptions.clear();
    mine.received.clear();
    mine.unwritten_received.clear();
    emit_(std::move(ended));
    for (PendingWill& pending : wills_) {  // (5.0 section 3.1.2.5) a will does not outlast its session
        if (pending.client == client && !pending.is_due && !pending.is_alone) make_due(pending);
    }
}

void Ledger::on_connect(std::int32_t client, std::int32_t link, const wire::Connect& packet, Instant now) {
    take_over(client, packet.clean_start, now);
    Seat& mine = seat(client);
    for (PendingWill& pending : wills_) {  // just due, perhaps not yet published: it may as well be cancelled
        if (pending.client == client && pending.span > Duration::zero()) pending.owed.clear();
    }
    std::erase_if(wills_, [&](const PendingWill& pending) {
        if (pending.client != client || pending.is_due || (packet.clean_start && !pending.is_deferred)) return false;
        cancel_will(pending.will, client);  // back in time
        return true;
    });
    if (packet.clean_start) end(client, "clean start");
    mine.is_kept = mine.exists;
    mine.link = link;
    mine.ends_from = mine.ends_until = never;
    if (mine.exists) {
        emit_(event(Kind::session_kept, client));
    } else {
        begin(client);
    }
    if (packet.version == Version::v5) {
        mine.expiry_s = packet.properties.number(PropertyId::session_expiry_interval).value_or(0);
        mine.expiry_s = std::min(mine.expiry_s, rules_.session_expiry_max_s);
    } else {
        mine.expiry_s = packet.clean_start ? 0 : rules_.session_expiry_v3_s;
    }
    mine.is_stored = mine.is_stored || (rules_.has_store && mine.expiry_s > 0);
    mine.will.reset();
    if (packet.will) {
        mine.will = Will{read_payload(packet.will->payload),
                         std::string(packet.will->topic),
                         packet.will->qos,
                         packet.will->properties.number(PropertyId::will_delay_interval).value_or(0),
                         packet.will->retain,
                         packet.keep_alive_s,
                         !packet.client_id.empty()};
    }
}

// [MQTT-3.1.4-3] The connection that has the client id until now is closed.
void Ledger::take_over(std::int32_t client, bool clean_start, Instant now) {
    Seat& mine = seat(client);
    if (mine.link < 0) return;
    if (mine.will && mine.will->delay_s > 0 && !clean_start && mine.expiry_s > 0) {
        cancel_will(*mine.will, client);
        mine.will.reset();
    }
    detach(client, now);
}

void Ledger::on_gone(std::int32_t client, std::int32_t link, Instant now) {
    if (client >= 0 && seat(client).link == link) detach(client, now);
}

void Ledger::detach(std::int32_t client, Instant now) {
    Seat& mine = seat(client);
    const Duration lifetime = std::chrono::seconds(mine.expiry_s);
    if (mine.will) schedule_will(client, std::min<Duration>(std::chrono::seconds(mine.will->delay_s), lifetime), now);
    mine.will.reset();
    if (mine.expiry_s == 0) {
        end(client, "connection closed");
    } else {
        mine.ends_from = now + lifetime;
        mine.ends_until = now + lifetime + slack;
    }
    mine.link = -1;
}

void Ledger::on_closed(std::int32_t link, Instant now) {
    for (PendingWill& pending : wills_) {
        if (pending.link == link) pending.latest = std::max(pending.latest, now + pending.span + slack);
    }
    for (Seat& any : seats_) {  // whether it counts from the decision to close or from the end of the socket is open
        if (any.exists && any.link < 0)
            any.ends_until = std::max(any.ends_until, now + std::chrono::seconds(any.expiry_s) + slack);
    }
}

void Ledger::on_disconnect(std::int32_t client, Version version, const wire::Disconnect& packet, Instant now) {
    Seat& mine = seat(client);
    if (packet.code == wire::ReasonCode::success && mine.will) {  // [MQTT-3.14.4-3]
        cancel_will(*mine.will, client);
        mine.will.reset();
    }
    const auto expiry = packet.properties.number(PropertyId::session_expiry_interval);
    if (version == Version::v5 && expiry) mine.expiry_s = std::min(*expiry, rules_.session_expiry_max_s);
    detach(client, now);
}

void Ledger::on_time(Instant now) {
    for (std::size_t i = 0; i < seats_.size(); ++i) {
        if (seats_[i].exists && seats_[i].ends_from <= now) end(static_cast<std::int32_t>(i), "expired");
    }
    for (PendingWill& pending : wills_) {
        if (!pending.is_due && pending.earliest <= now) make_due(pending);
        if (pending.is_due && pending.latest < now) owe_will(pending);
    }
    std::erase_if(wills_, [&](const PendingWill& pending) { return pending.is_due && pending.latest < now; });
}

bool Ledger::is_certain(std::int32_t client, Instant now) const {
    return seat(client).exists || seat(client).ends_until == never || seat(client).ends_until < now;
}

bool Ledger::is_settled(Instant now) const {
    const bool is_any_ending = std::any_of(seats_.begin(), seats_.end(), [&](const Seat& any) {
        return any.exists ? any.link < 0 : any.ends_until != never && any.ends_until >= now;
    });
    return wills_.empty() && !is_any_ending;
}

// ---- Wills

void Ledger::schedule_will(std::int32_t client, Duration span, Instant now) {
    PendingWill pending{*seat(client).will, client, seat(client).link, span, now + span, now + span + slack};
    wills_.push_back(std::move(pending));
    if (span == Duration::zero()) make_due(wills_.back());
}

void Ledger::make_due(PendingWill& pending) {
    pending.is_due = true;
    Event due = event(Kind::will_due, pending.client);
    due.label = pending.will.label;
    due.text = pending.will.topic;
    note_made(due, pending.client, 0);
    emit_(std::move(due));
    for (std::size_t i = 0; i < seats_.size(); ++i) {
        const auto client = static_cast<std::int32_t>(i);
        const Hit hit = find_hit(seats_[i], pending.will.topic, pending.client, client);
        if (hit.any && hit.qos > wire::QoS::at_most_once) pending.owed.insert(client);
    }
}

void Ledger::cancel_will(const Will& will, std::int32_t client) {
    Event cancelled = event(Kind::will_cancelled, client);
    cancelled.label = will.label;
    emit_(std::move(cancelled));
}

void Ledger::owe_will(const PendingWill& pending) {
    if (pending.will.qos == wire::QoS::at_most_once) return;
    for (const std::int32_t client : pending.owed) {
        Event routed = event(Kind::routed, client);
        routed.label = pending.will.label;
        routed.qos = wire::QoS::at_least_once;
        routed.text = pending.will.topic;
        emit_(std::move(routed));
    }
}

void Ledger::forget_in_wills(std::int32_t client) {
    for (PendingWill& pending : wills_) pending.owed.erase(client);
}

// ---- Publications

Ledger::Hit Ledger::find_hit(const Seat& seat, const std::string& topic, std::int32_t publisher,
                             std::int32_t self) const {
    Hit hit;
    if (!seat.exists) return hit;
    for (const auto& [text, subscription] : seat.subscriptions) {
        if (subscription.is_shared || !is_match(subscription.filter, topic)) continue;
        if (subscription.options.no_local && publisher == self) continue;  // [MQTT-3.8.3-3]
        hit.any = true;
        hit.qos = std::max(hit.qos, subscription.options.qos);  // [MQTT-3.3.4-2]
        (subscription.options.retain_as_published ? hit.retain_never : hit.retain_always) = false;
        if (subscription.id != 0) hit.ids.push_back(subscription.id);
    }
    std::sort(hit.ids.begin(), hit.ids.end());
    return hit;
}

void Ledger::on_publish(std::int32_t client, const wire::Publish& packet, const std::string& topic, Instant now) {
    if (packet.qos == wire::QoS::exactly_once && !seat(client).received.insert(packet.packet_id).second)
        return;  // again
    if (packet.qos == wire::QoS::exactly_once) note_received(client, packet.packet_id, topic);
    Event publication = event(Kind::routed, client);
    publication.at = now;
    publication.label = read_payload(packet.payload);
    publication.qos = packet.qos;
    publication.retain = packet.retain;
    publication.text = topic;
    publication.size = static_cast<std::uint32_t>(packet.payload.size() + topic.size());
    publication.expiry_s = packet.properties.number(PropertyId::message_expiry_interval).value_or(0);
    publication.has_expiry = packet.properties.has(PropertyId::message_expiry_interval);
    last_change_ = Change{publication.label, false, topic, std::nullopt};
    note_made(publication, client, packet.packet_id);
    if (packet.retain) retain(publication, packet.payload.size(), client);
    route(publication, client);
    route_groups(publication);
}

void Ledger::route(const Event& publication, std::int32_t publisher) {
    for (std::size_t i = 0; i < seats_.size(); ++i) {
        const auto client = static_cast<std::int32_t>(i);
        const Hit hit = find_hit(seats_[i], publication.text, publisher, client);
        if (!hit.any) continue;
        Event routed = publication;
        routed.client = client;
        routed.link = seats_[i].link;
        routed.number = seats_[i].generation;
        routed.qos = std::min(publication.qos, hit.qos);
        routed.retain = publication.retain && !hit.retain_never;
        routed.flag = hit.retain_always || hit.retain_never || !publication.retain;  // the retain flag is certain
        routed.ids = hit.ids;
        emit_(std::move(routed));
    }
}

void Ledger::route_groups(const Event& publication) {
    std::map<std::string, Event> groups;
    for (std::size_t i = 0; i < seats_.size(); ++i) {
        for (const auto& [text, subscription] : seats_[i].subscriptions) {
            if (!subscription.is_shared || !is_match(subscription.filter, publication.text)) continue;
            Event& group = groups.try_emplace(text, publication).first->second;
            if (group.ids.empty()) {
                group.kind = Kind::routed_group;
                group.client = group.link = -1;
                group.text = text;
            }
            group.ids.push_back(static_cast<std::uint32_t>(i));
            group.qos = std::min(group.qos, subscription.options.qos);  // at least this
        }
    }
    for (auto& [text, group] : groups) emit_(std::move(group));
}

void Ledger::on_pubrel(std::int32_t client, wire::PacketId id) {
    if (seat(client).received.erase(id) != 0 && seat(client).unwritten_received.erase(id) == 0)
        change(client, "free " + std::to_string(id));
}

void Ledger::on_refused(std::int32_t client, wire::PacketId id) {
    seat(client).received.erase(id);
    seat(client).unwritten_received.erase(id);
    if (!latest_made_.empty() && latest_made_.back().label.uid == last_change_.label.uid) latest_made_.pop_back();
    Event voided = event(Kind::voided, -1);
    voided.label = last_change_.label;
    emit_(std::move(voided));
    if (!last_change_.is_retained) return;
    retained_.erase(last_change_.topic);
    if (last_change_.previous) retained_[last_change_.topic] = *last_change_.previous;
}

// ---- Retained messages and subscriptions

void Ledger::retain(const Event& publication, std::size_t payload_size, std::int32_t publisher) {
    Event replaced = event(Kind::replaced, -1);
    replaced.text = publication.text;
    emit_(std::move(replaced));
    last_change_.is_retained = true;
    const auto known = retained_.find(publication.text);
    const bool is_known = known != retained_.end();
    const bool is_repeated = is_known && known->second.label.uid == publication.label.uid &&
                             known->second.qos == publication.qos && known->second.expires_at == never &&
                             publication.expiry_s == 0;
    const bool may_be_gone = !is_known || known->second.expires_at <= publication.at;
    const bool is_nothing_new = payload_size == 0 ? may_be_gone : is_repeated;
    if (publication.qos != wire::QoS::at_most_once)
        latest_made_.back().retained =
            is_nothing_new ? last_change_of(-1, publication.text) : change(-1, publication.text);
    if (is_known) last_change_.previous = known->second;
    if (payload_size == 0) {  // [MQTT-3.3.1-6]
        retained_.erase(publication.text);
        return;
    }
    const Instant expires_at = publication.expiry_s == 0 ? never : add_seconds(publication.at, publication.expiry_s);
    retained_[publication.text] =
        Retained{publication.label, publication.qos, expires_at, publication.expiry_s, publication.size, publisher};
}

void Ledger::replay(std::int32_t client, const Subscription& subscription, bool is_sure, Instant now) {
    for (const auto& [topic, retained] : retained_) {
        if (!is_match(subscription.filter, topic) ||
            (retained.expires_at != never && retained.expires_at + slack < now))
            continue;
        Event replayed = event(Kind::replayed, client);
        replayed.label = retained.label;
        replayed.text = topic;
        replayed.qos = std::min(retained.qos, subscription.options.qos);
        replayed.retain = true;
        replayed.size = retained.size;
        replayed.expiry_s = retained.expiry_s;
        // Sure to come, unless it may have expired, or is the client's own and it wants none of those.
        replayed.flag =
            is_sure && retained.expires_at == never && !(subscription.options.no_local && retained.publisher == client);
        if (subscription.id != 0) replayed.ids.push_back(subscription.id);
        emit_(std::move(replayed));
    }
}

void Ledger::on_subscribe(std::int32_t client, const wire::Subscribe& packet, Instant now) {
    const std::uint32_t id = packet.properties.number(PropertyId::subscription_identifier).value_or(0);
    asked_[{client, packet.packet_id}].clear();
    for (const wire::SubscribeEntry& entry : packet.entries) {
        const std::string text(entry.filter);
        if (is_store_failed_ && seat(client).is_stored) continue;
        Subscription subscription{entry.options, id, text, text.starts_with(share_prefix)};
        if (subscription.is_shared) subscription.filter = text.substr(text.find('/', share_prefix.size()) + 1);
        const auto known = seat(client).subscriptions.find(text);
        const bool is_the_same = known != seat(client).subscriptions.end() && known->second.is_same_as(subscription);
        asked_[{client, packet.packet_id}].push_back(is_the_same ? last_change_of(client, text) : change(client, text));
        Event subscribed = event(Kind::subscribed, client);
        subscribed.flag = seat(client).subscriptions.contains(text);
        subscribed.qos = entry.options.qos;
        subscribed.text = text;
        const bool is_known = subscribed.flag;
        emit_(std::move(subscribed));
        subscription.replays = known == seat(client).subscriptions.end() ? 0 : known->second.replays;
        seat(client).subscriptions[text] = subscription;
        forget_in_wills(client);  // its QoS may be another one now
        const wire::RetainHandling handling = entry.options.retain_handling;
        const bool wants =
            handling == wire::RetainHandling::send || (handling == wire::RetainHandling::send_if_new && !is_known);
        if (!wants || subscription.is_shared) continue;
        ++seat(client).subscriptions[text].replays;
        replay(client, subscription, true, now);
    }
}

void Ledger::on_unsubscribe(std::int32_t client, const wire::Unsubscribe& packet, Instant now) {
    asked_[{client, packet.packet_id}].clear();
    for (const wire::SubscribeEntry& entry : packet.entries) {
        const std::string text(entry.filter);
        if (is_store_failed_ && seat(client).is_stored) continue;
        if (seat(client).subscriptions.erase(text) == 0) continue;
        if (is_known_to_store(client, text))
            asked_[{client, packet.packet_id}].push_back(change(client, text));
        else
            take_back_change(client, text);
        forget_in_wills(client);
        Event unsubscribed = event(Kind::unsubscribed, client);
        unsubscribed.text = text;
        unsubscribed.at = now;
        emit_(std::move(unsubscribed));
    }
}

}  // namespace ledge::sim
