#include "subscriptions.hpp"

#include <algorithm>

#include "ledge/base/assert.hpp"
#include "ledge/topic/name.hpp"

namespace ledge::broker {

Subscriptions::Subscriptions(std::uint64_t seed, ShareStrategy strategy, Rng& rng, session::Journal& journal)
    : ordinary_(seed), shared_(seed ^ 0x5eedU), groups_(strategy, rng), journal_(journal) {}

Subscriptions::Added Subscriptions::add(session::Session& session, std::string_view filter,
                                        const wire::SubscribeOptions& options, std::uint32_t id) {
    Ref ref;
    if (!insert(filter, ref)) return Added::refused;
    SubscriberList& list = list_of(ref);
    const auto known = ref_of(session, ref);
    if (known == session.subscriptions.end()) {
        ref.number = ++session.last_subscription_number;
        session.subscriptions.push_back(ref);
        list.add({&session, id, options});
        ++size_;
        session.note_subscribed(filter.size());
        put_record(session, ref, filter, options, id);
        return Added::fresh;
    }
    Subscriber* subscriber = list.find(session);
    subscriber->subscription_id = id;
    subscriber->options = options;
    put_record(session, *known, filter, options, id);
    return Added::replaced;
}

std::vector<Subscriptions::Ref>::iterator Subscriptions::ref_of(session::Session& session, const Ref& ref) {
    return std::ranges::find_if(session.subscriptions,
                                [&](const Ref& mine) { return mine.names(ref.filter, ref.share_group); });
}

void Subscriptions::put_record(const session::Session& session, const Ref& ref, std::string_view filter,
                               const wire::SubscribeOptions& options, std::uint32_t id) {
    if (!session.is_stored()) return;
    journal_.put(session::RecordKind::put_subscription, session.number(), ref.number,
                 session::encode({options, id, filter}), session::Urgency::now);
}

void Subscriptions::restore(session::Session& session, const session::SubscriptionRecord& record,
                            std::uint32_t number) {
    Ref ref;
    if (!insert(record.filter, ref) || ref_of(session, ref) != session.subscriptions.end()) return;
    ref.number = number;
    session.last_subscription_number = std::max(session.last_subscription_number, number);
    session.subscriptions.push_back(ref);
    list_of(ref).add({&session, record.subscription_id, record.options});
    session.note_subscribed(record.filter.size());
    ++size_;
}

bool Subscriptions::has(const session::Session& session, std::string_view filter) const {
    bool is_known = false;
    const Ref ref = find(filter, is_known);
    return is_known && std::ranges::any_of(session.subscriptions,
                                           [&](const Ref& mine) { return mine.names(ref.filter, ref.share_group); });
}

std::vector<std::string> Subscriptions::filters_of(const session::Session& session) const {
    std::vector<std::string> filters;
    for (const Ref& ref : session.subscriptions) {
        const bool is_shared = ref.share_group != 0;
        std::string filter = is_shared ? "$share/" + std::string(groups_.name_of(ref.share_group)) + "/" : "";
        (is_shared ? shared_ : ordinary_).append_filter(ref.filter, filter);
        filters.push_back(std::move(filter));
    }
    return filters;
}

bool Subscriptions::remove(session::Session& session, std::string_view filter) {
    bool is_known = false;
    const Ref ref = find(filter, is_known);
    if (!is_known) return false;
    const auto mine = ref_of(session, ref);
    if (mine == session.subscriptions.end()) return false;
    if (session.is_stored())
        journal_.drop(session::RecordKind::drop_subscription, session.number(), mine->number, session::Urgency::now);
    session.subscriptions.erase(mine);
    list_of(ref).remove(session);
    session.note_unsubscribed(filter.size());
    --size_;
    forget_if_empty(ref);
    return true;
}

void Subscriptions::remove_all(session::Session& session) {
    for (const Ref& ref : session.subscriptions) {
        list_of(ref).remove(session);
        --size_;
        forget_if_empty(ref);
    }
    session.subscriptions.clear();
    session.note_unsubscribed_from_all();
}

std::span<const topic::FilterId> Subscriptions::match(std::string_view topic) {
    matches_.clear();
    ordinary_.match(topic, matches_);
    return matches_;
}

std::span<const ShareGroupId> Subscriptions::match_shared(std::string_view topic) {
    matches_.clear();
    group_matches_.clear();
    shared_.match(topic, matches_);
    for (const topic::FilterId filter : matches_)
        group_matches_.insert(group_matches_.end(), shared_groups_[filter].begin(), shared_groups_[filter].end());
    return group_matches_;
}

Subscriptions::Ref Subscriptions::find(std::string_view filter, bool& is_known) const {
    const auto shared = topic::parse_shared(filter);
    const auto id = shared ? shared_.find(shared->filter) : ordinary_.find(filter);
    is_known = id.has_value();
    if (!is_known || !shared) return {id.value_or(0), 0, 0};
    for (const ShareGroupId group : shared_groups_[*id])
        if (groups_.name_of(group) == shared->group) return {*id, group, 0};
    is_known = false;
    return {};
}

bool Subscriptions::insert(std::string_view filter, Ref& ref) {
    bool is_known = false;
    ref = find(filter, is_known);
    if (is_known) return true;
    const auto shared = topic::parse_shared(filter);
    if (!shared) {
        const topic::FilterId id = ordinary_.insert(filter).id;
        if (lists_.size() <= id) lists_.resize(id + 1);
        ref = {id, 0, 0};
        return true;
    }
    const topic::FilterId id = shared_.insert(shared->filter).id;
    if (shared_groups_.size() <= id) shared_groups_.resize(id + 1);
    const ShareGroupId group = groups_.create(shared->group, id);
    if (group == 0) {
        if (shared_groups_[id].empty()) shared_.erase(id);
        return false;
    }
    shared_groups_[id].push_back(group);
    ref = {id, group, 0};
    return true;
}

SubscriberList& Subscriptions::list_of(const Ref& ref) {
    return ref.share_group == 0 ? lists_[ref.filter] : groups_.at(ref.share_group).members;
}

void Subscriptions::forget_if_empty(const Ref& ref) {
    if (!list_of(ref).empty()) return;
    if (ref.share_group == 0) return ordinary_.erase(ref.filter);
    groups_.destroy(ref.share_group);
    std::vector<ShareGroupId>& groups = shared_groups_[ref.filter];
    std::erase(groups, ref.share_group);
    if (groups.empty()) shared_.erase(ref.filter);
}

}  // namespace ledge::broker
