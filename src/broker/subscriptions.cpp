// Subscriptions: the filters of all sessions in two tries, one for ordinary and one for shared subscriptions. An
// ordinary filter has a list of subscribers, and a shared filter has groups. Each change writes its record here.
#include "subscriptions.hpp"

#include <algorithm>

#include "ledge/base/assert.hpp"
#include "ledge/broker/share_strategy.hpp"
#include "ledge/journal/journal.hpp"
#include "ledge/journal/record.hpp"
#include "ledge/journal/records.hpp"
#include "ledge/topic/name.hpp"

namespace ledge::broker {

Subscriptions::Subscriptions(std::uint64_t seed, ShareStrategy strategy, Rng& rng, journal::Journal& journal)
    // Different seeds for the tables, so that keys which collide in one of them do not collide in the others.
    : ordinary_(seed), shared_(seed ^ 0x5eedU), groups_(strategy, rng, seed ^ 0x6a0fU), journal_(journal) {}

Subscriptions::Added Subscriptions::add(session::Session& session, std::string_view filter,
                                        const wire::SubscribeOptions& options, std::uint32_t id) {
    // The filter is inserted before the old subscription is looked up: the lookup needs the id of the filter.
    Ref ref;
    if (!insert(filter, ref)) return Added::refused;
    SubscriberList& list = list_of(ref);
    count_steps(session, list);
    Ref* known = session.subscriptions.find(ref.filter, ref.share_group);
    if (known == nullptr) {
        // The number is the key of the record and is never used again by this session. Otherwise a late removal could
        // hit the record of a newer subscription.
        ref.number = ++session.last_subscription_number;
        list.add({&session, id, options});
        count(ref, true);
        session.note_subscribed(filter.size());
        put_record(session, session.subscriptions.add(ref), filter, options, id, journal::Urgency::now);
        return Added::fresh;
    }
    // [MQTT-3.8.4-3] A subscription with the same filter is replaced.
    Subscriber* subscriber = list.find(session);
    LEDGE_ASSERT(subscriber != nullptr);
    // A client that subscribes again after each reconnect must not cause a write.
    if (subscriber->subscription_id == id && subscriber->options == options) return Added::unchanged;
    subscriber->subscription_id = id;
    subscriber->options = options;
    put_record(session, *known, filter, options, id, journal::Urgency::now);
    return Added::replaced;
}

// A record that is still pending is replaced: a client that changes a subscription a thousand times causes one write.
void Subscriptions::put_record(session::Session& session, Ref& ref, std::string_view filter,
                               const wire::SubscribeOptions& options, std::uint32_t id, journal::Urgency urgency) {
    if (!session.is_stored()) return;
    // The record of a subscription also says which retained messages are still owed for it.
    const journal::FeedProgress feed =
        session.retained_feed == nullptr ? journal::FeedProgress{} : session.retained_feed->recorded(filter);
    Blob body = journal::encode({options, id, filter, feed});
    if (ref.ticket != no_ticket && journal_.is_pending(ref.ticket))
        return journal_.replace(ref.ticket, std::move(body), urgency);
    ref.has_older_record = ref.has_older_record || ref.ticket != no_ticket;
    ref.ticket =
        journal_.put(journal::RecordKind::subscription, session.number(), ref.number, std::move(body), urgency);
    session.subscriptions_ticket = ref.ticket;
}

void Subscriptions::record_feed(session::Session& session, session::RetainedFeed::Batch& batch,
                                const journal::FeedProgress& progress) {
    bool is_known = false;
    const Ref ref = find(batch.filter, is_known);
    Ref* mine = session.subscriptions.find(ref.filter, ref.share_group);
    LEDGE_ASSERT(is_known && mine != nullptr);
    const Subscriber* subscriber = list_of(ref).find(session);
    LEDGE_ASSERT(subscriber != nullptr);
    // Noted before the write, because put_record() reads the progress from the batch.
    batch.recorded = progress;
    put_record(session, *mine, batch.filter, subscriber->options, subscriber->subscription_id, journal::Urgency::lazy);
}

// When the store cannot have the record yet, because its first form is still pending, nothing is written at all.
void Subscriptions::drop_record(session::Session& session, const Ref& ref) {
    if (!session.is_stored()) return;
    const bool is_pending = ref.ticket != no_ticket && journal_.is_pending(ref.ticket);
    if (is_pending) journal_.cancel(ref.ticket);
    // Neither the journal nor the store has the record any more.
    if (is_pending && !ref.has_older_record) return;
    session.subscriptions_ticket =
        journal_.drop(journal::RecordKind::subscription, session.number(), ref.number, journal::Urgency::now);
}

bool Subscriptions::restore(session::Session& session, const journal::SubscriptionRecord& record,
                            std::uint32_t number) {
    Ref ref;
    // A damaged store may contain one subscription twice; the first record counts.
    if (!insert(record.filter, ref) || session.subscriptions.find(ref.filter, ref.share_group) != nullptr) return false;
    ref.number = number;
    ref.has_older_record = true;  // a later removal must be written
    session.last_subscription_number = std::max(session.last_subscription_number, number);
    session.subscriptions.add(ref);
    list_of(ref).add({&session, record.subscription_id, record.options});
    session.note_subscribed(record.filter.size());
    count(ref, true);
    return true;
}

bool Subscriptions::has(const session::Session& session, std::string_view filter) const {
    bool is_known = false;
    const Ref ref = find(filter, is_known);
    return is_known && session.subscriptions.find(ref.filter, ref.share_group) != nullptr;
}

bool Subscriptions::matches(const session::Session& session, std::string_view topic) {
    return std::ranges::any_of(
        match(topic), [&](FilterId filter) { return session.subscriptions.find(filter, no_share_group) != nullptr; });
}

std::vector<std::string> Subscriptions::filters_of(const session::Session& session) const {
    std::vector<std::string> filters;
    for (const Ref& ref : session.subscriptions) filters.push_back(filter_of(ref));
    return filters;
}

std::string Subscriptions::filter_of(const Ref& ref) const {
    if (ref.share_group == no_share_group) return ordinary_filter(ref.filter);
    return "$share/" + groups_.name_of(ref.share_group) + "/" + shared_filter(ref.filter);
}

std::string Subscriptions::ordinary_filter(FilterId filter) const {
    std::string text;
    ordinary_.append_filter(filter, text);
    return text;
}

std::string Subscriptions::shared_filter(FilterId filter) const {
    std::string text;
    shared_.append_filter(filter, text);
    return text;
}

const Subscriber& Subscriptions::subscriber_of(const session::Session& session, std::string_view filter) {
    bool is_known = false;
    const Ref ref = find(filter, is_known);
    LEDGE_ASSERT(is_known);
    return subscriber_of(session, ref);
}

const Subscriber& Subscriptions::subscriber_of(const session::Session& session, const Ref& ref) {
    const Subscriber* subscriber = list_of(ref).find(session);
    LEDGE_ASSERT(subscriber != nullptr);
    return *subscriber;
}

bool Subscriptions::remove(session::Session& session, std::string_view filter) {
    bool is_known = false;
    const Ref ref = find(filter, is_known);
    if (!is_known) return false;
    count_steps(session, list_of(ref));
    const Ref* mine = session.subscriptions.find(ref.filter, ref.share_group);
    if (mine == nullptr) return false;
    LEDGE_ASSERT(size_ > 0);
    // The record first: drop_record() needs the ticket that `mine` has.
    drop_record(session, *mine);
    session.subscriptions.remove(*mine);
    // By session and not by `mine`, which session.subscriptions.remove() has made invalid.
    list_of(ref).remove(session);
    session.note_unsubscribed(filter.size());
    count(ref, false);
    forget_if_empty(ref);
    return true;
}

void Subscriptions::remove_all(session::Session& session) {
    for (const Ref& ref : session.subscriptions) {
        list_of(ref).remove(session);
        // No records here: the removal of the session's record removes those of its subscriptions as well.
        count(ref, false);
        forget_if_empty(ref);
    }
    session.subscriptions.clear();
    session.note_unsubscribed_from_all();
}

[[gnu::hot]] std::span<const FilterId> Subscriptions::match(std::string_view topic) {
    matches_.clear();
    // matches_ is a member, so that a publication allocates no memory for its matches. The result is valid until the
    // next match.
    ordinary_.match(topic, matches_);
    return matches_;
}

std::span<const ShareGroupId> Subscriptions::match_shared(std::string_view topic) {
    matches_.clear();
    group_matches_.clear();
    shared_.match(topic, matches_);
    // A filter may have many groups, and each of them gets the message.
    for (const FilterId filter : matches_) {
        const std::vector<ShareGroupId>& groups = shared_groups_[filter.value()];
        group_matches_.insert(group_matches_.end(), groups.begin(), groups.end());
    }
    return group_matches_;
}

// A shared subscription is known only if its group exists: the filter alone may belong to other groups.
Subscriptions::Ref Subscriptions::find(std::string_view filter, bool& is_known) const {
    const auto shared = topic::parse_shared(filter);
    const auto id = shared ? shared_.find(shared->filter) : ordinary_.find(filter);
    is_known = id.has_value();
    if (!is_known || !shared) return {.filter = id.value_or(no_filter)};
    const ShareGroupId group = groups_.find(shared->group, *id);
    is_known = group != no_share_group;
    return {.filter = *id, .share_group = group};
}

bool Subscriptions::insert(std::string_view filter, Ref& ref) {
    bool is_known = false;
    ref = find(filter, is_known);
    if (is_known) return true;
    const auto shared = topic::parse_shared(filter);
    if (!shared) {
        // The ids are small numbers that are used again, so they serve as indexes.
        const FilterId id = ordinary_.insert(filter).id;
        if (lists_.size() <= id.value()) lists_.resize(id.value() + 1);
        ref = {.filter = id};
        return true;
    }
    const FilterId id = shared_.insert(shared->filter).id;
    if (shared_groups_.size() <= id.value()) shared_groups_.resize(id.value() + 1);
    const ShareGroupId group = groups_.create(shared->group, id);
    if (group == no_share_group) {
        // Undo the insertion above, unless other groups use the filter.
        if (shared_groups_[id.value()].empty()) shared_.erase(id);
        return false;
    }
    // The group knows its place, so its removal needs no search.
    groups_.at(group).place = static_cast<std::uint32_t>(shared_groups_[id.value()].size());
    shared_groups_[id.value()].push_back(group);
    ref = {.filter = id, .share_group = group};
    return true;
}

void Subscriptions::count(const Ref& ref, bool comes) {
    comes ? ++size_ : --size_;
    if (ref.share_group != no_share_group) comes ? ++shared_size_ : --shared_size_;
}

SubscriberList& Subscriptions::list_of(const Ref& ref) {
    LEDGE_ASSERT(ref.share_group != no_share_group || ref.filter.value() < lists_.size());
    return ref.share_group == no_share_group ? lists_[ref.filter.value()] : groups_.at(ref.share_group).members;
}

// A filter or group without subscribers is removed, so that its memory and its id can be used again.
void Subscriptions::forget_if_empty(const Ref& ref) {
    if (!list_of(ref).empty()) return;
    if (ref.share_group == no_share_group) return ordinary_.erase(ref.filter);
    std::vector<ShareGroupId>& groups = shared_groups_[ref.filter.value()];
    const std::uint32_t place = groups_.at(ref.share_group).place;
    LEDGE_ASSERT(place < groups.size() && groups[place] == ref.share_group);
    groups[place] = groups.back();  // the last group of the filter fills the gap
    groups_.at(groups[place]).place = place;
    groups.pop_back();
    groups_.destroy(ref.share_group);
    if (groups.empty()) shared_.erase(ref.filter);
}

}  // namespace ledge::broker
