#include "delivery_checkers.hpp"

#include <algorithm>

#include "ledger.hpp"

namespace ledge::sim {

namespace {

bool is_ours(const Event& event) { return event.label.uid != 0; }

bool leaves(const Event& event) { return event.kind == Kind::session_ended || event.kind == Kind::unsubscribed; }

Instant expiry_of(const Event& event) { return event.expiry_s == 0 ? never : add_seconds(event.at, event.expiry_s); }

}  // namespace

void PacketSizes::on(const Event& event) {
    if (!is(event, Kind::in, wire::PacketType::connect)) return;
    std::uint32_t& smallest = smallest_.try_emplace(event.client, event.packet_size_max).first->second;
    smallest = std::min(smallest, event.packet_size_max);
}

bool PacketSizes::is_too_large(std::int32_t client, std::uint32_t size) const {
    constexpr std::uint32_t head_size_max = 200;  // of a PUBLISH without topic and payload, in this world
    const auto found = smallest_.find(client);
    return found != smallest_.end() && size + head_size_max > found->second;
}

void OrderChecker::on(const Event& event) {
    if (event.kind == Kind::routed) on_routed(copy_of(event));
    if (event.kind == Kind::routed_group) {
        shared_.insert(event.label.uid);
        shared_orderly_.insert(event.label.uid);
        for (const std::uint32_t member : event.ids) members_.insert(static_cast<std::int32_t>(member));
        for (const std::uint32_t member : event.ids) on_routed(Copy(member, event.label.uid));
    }
    if (leaves(event) && members_.contains(event.client)) shared_orderly_.clear();
    if (!is_publish(event, Kind::got) || !event.flag || !is_ours(event) || event.label.is_will || event.retain) return;
    const std::uint32_t uid = event.label.uid;
    if (shared_.contains(uid) && !shared_orderly_.contains(uid)) return;
    if (!seen_.insert(copy_of(event)).second) return;
    std::uint64_t& last = last_[Stream(event.client, event.label.publisher, event.text, event.label.qos, event.qos)];
    const std::vector<std::uint64_t>& places = places_[copy_of(event)];
    const auto place = std::upper_bound(places.begin(), places.end(), last);
    if (place == places.end()) return object(event, "overtaken by a later one");
    last = *place;
}

void AtLeastOnceChecker::owe(const Event& event) {
    if (event.qos == wire::QoS::at_most_once || !is_ours(event)) return;
    if (event.kind == Kind::replayed && !event.flag) return;
    if (event.kind == Kind::routed && event.label.is_will && arrived_.contains(copy_of(event))) return;
    owed_[copy_of(event)] = Debt{event.text, expiry_of(event), event.size, event.kind == Kind::replayed};
}

void AtLeastOnceChecker::on(const Event& event) {
    if (event.kind == Kind::routed || event.kind == Kind::replayed) owe(event);
    sizes_.on(event);
    if (is_publish(event, Kind::got) && is_ours(event)) {
        arrived_.insert(copy_of(event));
        owed_.erase(copy_of(event));
    }
    if (event.kind == Kind::session_ended)
        std::erase_if(owed_, [&](const auto& debt) { return debt.first.first == event.client; });
    if (event.kind == Kind::voided || event.kind == Kind::lost)
        std::erase_if(owed_, [&](const auto& debt) { return debt.first.second == event.label.uid; });
    if (event.kind == Kind::unsubscribed) {
        std::erase_if(owed_, [&](const auto& debt) {
            return debt.first.first == event.client && is_match(event.text, debt.second.topic);
        });
    }
    // What a subscription has not yet been sent of retained messages is known in memory only.
    if (event.kind == Kind::restarted) std::erase_if(owed_, [](const auto& debt) { return debt.second.is_replay; });
    // Who has not yet been sent the retained message gets the next one, by its subscription.
    if (event.kind == Kind::replaced) {
        std::erase_if(owed_,
                      [&](const auto& debt) { return debt.second.is_replay && debt.second.topic == event.text; });
    }
    if (event.kind == Kind::finished) finish(event);
}

// `number`: losses that the broker has counted.
void AtLeastOnceChecker::finish(const Event& event) {
    std::erase_if(owed_, [&](const auto& debt) {
        return sizes_.is_too_large(debt.first.first, debt.second.size) || debt.second.expires_at <= event.at;
    });
    if (owed_.size() <= event.number) return;
    std::string missing = std::to_string(owed_.size()) + " missing, " + std::to_string(event.number) + " counted;";
    std::size_t shown = 0;
    for (const auto& [copy, debt] : owed_) {
        if (++shown <= 8)
            missing +=
                " c" + std::to_string(copy.first) + " uid=" + std::to_string(copy.second) + " '" + debt.topic + "'";
    }
    object(event, missing);
}

// A will is routed when the broker says so. What a member of a shared subscription leaves unacknowledged is handed on,
// also to a client that has had it in an earlier session; not a QoS 2 message that was sent [MQTT-4.8.2-5].
std::uint32_t ExactlyOnceChecker::routed_to(const Event& event) {
    if (event.label.is_will) return std::max(due_[event.label.uid], 1U);
    const std::uint32_t routed = routed_[copy_of(event)];
    const auto shared = shared_.find(event.label.uid);
    if (shared == shared_.end()) return routed;
    const bool may_come_back = event.qos != wire::QoS::exactly_once;
    return std::max(routed, shared->second.routed) + (may_come_back ? departures_ - shared->second.departures : 0);
}

// Nobody may have it yet, if its publisher will send it again: it waits for its packet id to be durable, or for PUBREL.
void ExactlyOnceChecker::on_lost(const Event& event) {
    if (!event.flag || event.label.qos != wire::QoS::exactly_once) return;
    for (const Copy& copy : latest_[event.label.uid]) --routed_[copy];
    if (const auto shared = shared_.find(event.label.uid); shared != shared_.end()) shared->second.routed = 0;
    latest_.erase(event.label.uid);
}

void ExactlyOnceChecker::on(const Event& event) {
    if (leaves(event)) ++departures_;
    if (!is_ours(event)) return;
    if (event.kind == Kind::lost) return on_lost(event);
    if (is_publish(event, Kind::in)) latest_[event.label.uid].clear();
    if (event.kind == Kind::routed) latest_[event.label.uid].push_back(copy_of(event));
    if (event.kind == Kind::will_due) ++due_[event.label.uid];
    if (event.kind == Kind::routed || event.kind == Kind::replayed) ++routed_[copy_of(event)];
    if (event.kind == Kind::routed_group) {
        ++shared_.try_emplace(event.label.uid, Shared{0, departures_}).first->second.routed;
        for (const std::uint32_t member : event.ids) {
            ++routed_[Copy(member, event.label.uid)];
            latest_[event.label.uid].emplace_back(member, event.label.uid);
        }
    }
    if (!is_publish(event, Kind::got) || !event.flag || (event.qos == wire::QoS::at_least_once && event.dup)) return;
    const std::uint32_t routed = routed_to(event);
    if (++arrived_[copy_of(event)] > routed)
        object(event, "routed " + std::to_string(routed) + " times, here once more");
}

void QosChecker::on(const Event& event) {
    if (!is_ours(event)) return;
    if (event.kind == Kind::routed || event.kind == Kind::replayed) routed_[copy_of(event)].insert(event.qos);
    if (event.kind == Kind::routed_group) shared_.insert(event.label.uid);
    if (!is_publish(event, Kind::out)) return;
    if (event.qos > event.label.qos) object(event, "above what was published");
    const auto routed = routed_.find(copy_of(event));
    if (event.label.is_will || shared_.contains(event.label.uid) || routed == routed_.end()) return;
    if (!routed->second.contains(event.qos)) object(event, "another QoS than granted");
}

void SubscribedChecker::on(const Event& event) {
    links_.on(event);
    const bool is_session = event.kind == Kind::session_began || event.kind == Kind::restored;
    if (is_session) generations_[event.client] = event.number;
    if (event.kind == Kind::session_began) filters_[{event.client, event.number}].clear();
    if (event.kind == Kind::subscribed) {
        const bool is_shared = event.text.starts_with("$share/");
        filters_[{event.client, generations_[event.client]}].insert(
            is_shared ? event.text.substr(event.text.find('/', 7) + 1) : event.text);
    }
    if (!is_publish(event, Kind::got) || links_.is_stale(event)) return;
    const std::set<std::string>& filters = filters_[{event.client, generations_[event.client]}];
    if (std::none_of(filters.begin(), filters.end(),
                     [&](const std::string& filter) { return is_match(filter, event.text); })) {
        object(event, "no filter of this session has ever matched");
    }
}

void UnsubackChecker::on(const Event& event) {
    if (!is_ours(event)) return;
    if (event.kind == Kind::routed || event.kind == Kind::replayed) routed_.insert(copy_of(event));
    if (event.kind == Kind::routed_group) {
        handed_on_.insert(event.label.uid);  // perhaps later, to another member
    }
    if (event.kind == Kind::will_due) handed_on_.insert(event.label.uid);
    if (!is_publish(event, Kind::got) || routed_.contains(copy_of(event)) || handed_on_.contains(event.label.uid))
        return;
    object(event, "no subscription matched when the broker was given it");
}

void WillChecker::on(const Event& event) {
    if (event.kind == Kind::will_due) {
        due_.insert(event.label.uid);
        cancelled_.erase(event.label.uid);  // a crash has undone that
    }
    if (event.kind == Kind::will_cancelled) cancelled_.insert(event.label.uid);
    if (!event.label.is_will || !is_publish(event, Kind::got)) return;
    if (cancelled_.contains(event.label.uid)) object(event, "this will is cancelled");
    if (!due_.contains(event.label.uid)) object(event, "this will is not due");
}

void RetainChecker::on(const Event& event) {
    if (!is_ours(event) || event.label.is_will) return;
    if (event.kind == Kind::replayed) with_flag_.insert(copy_of(event));
    if (event.kind == Kind::routed) {
        if (event.retain || !event.flag) with_flag_.insert(copy_of(event));
        if (!event.retain || !event.flag) without_flag_.insert(copy_of(event));
    }
    if (event.kind == Kind::routed_group) shared_.insert(event.label.uid);
    if (!is_publish(event, Kind::got)) return;
    if (event.retain && !with_flag_.contains(copy_of(event))) object(event, "RETAIN is set, but not for a reason");
    if (!event.retain && !shared_.contains(event.label.uid) && !without_flag_.contains(copy_of(event)))
        object(event, "RETAIN is missing");
}

void SubscriptionIdChecker::on(const Event& event) {
    if (!is_ours(event) || event.label.is_will) return;
    if (event.kind == Kind::routed || event.kind == Kind::replayed) routed_[copy_of(event)].insert(event.ids);
    if (event.kind == Kind::routed_group) shared_.insert(event.label.uid);
    if (!is_publish(event, Kind::got) || shared_.contains(event.label.uid)) return;
    const auto routed = routed_.find(copy_of(event));
    if (routed == routed_.end()) return;
    std::vector<std::uint32_t> ids = event.ids;
    std::sort(ids.begin(), ids.end());
    const bool is_expected = event.version == wire::Version::v5 ? routed->second.contains(ids) : ids.empty();
    if (!is_expected) object(event, "not the identifiers of the subscriptions that matched");
}

void SharedChecker::loosen(std::int32_t client) {
    for (auto& [key, share] : shares_) {
        if (share.members.contains(client)) share.is_loose = true;
    }
}

void SharedChecker::on(const Event& event) {
    sizes_.on(event);
    if (leaves(event)) loosen(event.client);
    if (event.kind == Kind::voided || event.kind == Kind::lost)
        std::erase_if(shares_, [&](const auto& entry) { return entry.first.first == event.label.uid; });
    if (event.kind == Kind::routed_group && is_ours(event)) {
        Share& share = shares_[{event.label.uid, event.text}];
        for (const std::uint32_t member : event.ids) share.members.insert(static_cast<std::int32_t>(member));
        ++share.routed;
        share.is_owed = event.qos > wire::QoS::at_most_once;
        share.expires_at = expiry_of(event);
        share.size = event.size;
    }
    if (is_publish(event, Kind::got)) {
        for (auto& [key, share] : shares_) {
            if (key.first != event.label.uid || !share.members.contains(event.client)) continue;
            share.receivers.insert(event.client);
            if (!share.is_loose && share.receivers.size() > share.routed) object(event, "a second member got it");
        }
    }
    if (event.kind == Kind::finished) finish(event);
}

// [MQTT-3.1.2-25] leaves it to the broker whether it picks a member that can take a large message.
bool SharedChecker::is_too_large(const Share& share) const {
    return std::any_of(share.members.begin(), share.members.end(),
                       [&](std::int32_t client) { return sizes_.is_too_large(client, share.size); });
}

void SharedChecker::finish(const Event& event) {
    std::uint32_t missing = 0;
    std::uint32_t example = 0;
    for (const auto& [key, share] : shares_) {
        const bool is_due = share.is_owed && !share.is_loose && share.expires_at > event.at && !is_too_large(share);
        if (!is_due || !share.receivers.empty()) continue;
        ++missing;
        example = key.first;
    }
    if (missing > event.number) {
        object(event, std::to_string(missing) + " reached no member, one is uid=" + std::to_string(example));
    }
}

void ExpiryChecker::on(const Event& event) {
    if (!is_ours(event) || event.label.is_will) return;
    const bool is_routed = event.kind == Kind::routed || event.kind == Kind::routed_group;
    if (is_routed) {  // again after a crash: perhaps earlier, by the broker's clock
        Life& life = lives_.try_emplace(event.label.uid, Life{event.at, event.expiry_s}).first->second;
        life.start = std::min(life.start, event.at);
    }
    if (!is_publish(event, Kind::out) || event.version != wire::Version::v5) return;
    const auto life = lives_.find(event.label.uid);
    if (life == lives_.end()) return;
    const std::uint32_t given = life->second.expiry_s;
    if ((given != 0) != event.has_expiry) return object(event, "the property is lost, or came from nowhere");
    if (event.expiry_s > given) return object(event, "more than was given");
    const std::int64_t elapsed_s = seconds_until(event.at, life->second.start);
    if (event.expiry_s + elapsed_s < given) object(event, "less than is left");
}

void PayloadChecker::on(const Event& event) {
    if (event.label.is_damaged) object(event, "damaged");
}

}  // namespace ledge::sim
