// Subscriptions: which sessions have subscribed to which filters. Ordinary and shared filters each have a trie of their
// own, so that a publication costs nothing for a kind that is not used. Owned by the shard; on the shard's thread.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "ledge/base/assert.hpp"
#include "ledge/base/ids.hpp"
#include "ledge/session/retained_feed.hpp"
#include "ledge/topic/filter_trie.hpp"
#include "share_groups.hpp"
#include "subscriber_list.hpp"

namespace ledge::journal {
class Journal;
enum class Urgency : std::uint8_t;
struct FeedProgress;
struct SubscriptionRecord;
}  // namespace ledge::journal

namespace ledge::broker {

class Subscriptions {
public:
    Subscriptions(std::uint64_t seed, ShareStrategy strategy, Rng& rng, journal::Journal& journal);

    enum class Added : std::uint8_t {
        fresh,      // the session did not have this subscription before
        replaced,   // options and identifier of the old subscription are replaced [MQTT-3.8.4-3]
        unchanged,  // the old subscription has the same options and identifier; nothing is written
        refused,    // the largest possible number of share groups exists already
    };
    /// Requires a valid `filter`. In all functions `filter` is written as the client does, with "$share/…".
    Added add(session::Session& session, std::string_view filter, const wire::SubscribeOptions& options,
              std::uint32_t id);
    /// False when the session does not have this subscription.
    bool remove(session::Session& session, std::string_view filter);
    /// Removes all subscriptions of a session that ends. Their records in the store are left alone: they are removed
    /// together with the record of the session.
    void remove_all(session::Session& session);
    /// Writes `progress` of a batch of the retained feed into the record of the batch's subscription, and notes it in
    /// batch.recorded. Requires that the session has the subscription. Writes nothing for a session without a record.
    void record_feed(session::Session& session, session::RetainedFeed::Batch& batch,
                     const journal::FeedProgress& progress);
    /// Takes one subscription over from the store at the start. False when the session has this filter already, or no
    /// further share group can be made.
    bool restore(session::Session& session, const journal::SubscriptionRecord& record, std::uint32_t number);
    bool has(const session::Session& session, std::string_view filter) const;
    /// True when an ordinary subscription of the session matches the topic.
    bool matches(const session::Session& session, std::string_view topic);
    /// The filters of a session, as the client has written them.
    std::vector<std::string> filters_of(const session::Session& session) const;
    std::string filter_of(const session::SubscriptionRef& ref) const;
    /// The options of a subscription of the session. The result is valid until the next change.
    const Subscriber& subscriber_of(const session::Session& session, const session::SubscriptionRef& ref);
    /// The texts of filters in use; that of a shared one without "$share/".
    std::string ordinary_filter(FilterId filter) const;
    std::string shared_filter(FilterId filter) const;
    /// The options of the subscription. Requires has(session, filter). The result is valid until the next change.
    const Subscriber& subscriber_of(const session::Session& session, std::string_view filter);

    /// The ordinary filters that match `topic`; valid until the next call of match() or match_shared().
    std::span<const FilterId> match(std::string_view topic);
    const SubscriberList& subscribers(FilterId filter) const {
        LEDGE_ASSERT(filter.value() < lists_.size());
        return lists_[filter.value()];
    }

    bool has_shared() const { return shared_.size() > 0; }
    /// The groups whose filter matches `topic`; valid until the next call of match_shared().
    std::span<const ShareGroupId> match_shared(std::string_view topic);
    ShareGroups& groups() { return groups_; }

    /// Subscriptions of all sessions, shared ones included.
    std::size_t size() const { return size_; }
    /// Shared subscriptions of all sessions.
    std::size_t shared_size() const { return shared_size_; }
    /// Upper bound of the comparisons that add() and remove() have made since the last call of take_steps().
    std::uint64_t take_steps() { return std::exchange(steps_, 0); }

private:
    using Ref = session::SubscriptionRef;

    Ref find(std::string_view filter, bool& is_known) const;
    /// Finds the filter, or adds it to its trie. False when no further share group can be made.
    bool insert(std::string_view filter, Ref& ref);
    void put_record(session::Session& session, Ref& ref, std::string_view filter, const wire::SubscribeOptions& options,
                    std::uint32_t id, journal::Urgency urgency);
    void drop_record(session::Session& session, const Ref& ref);
    void count_steps(const session::Session& session, const SubscriberList& list) {
        steps_ += 1 + session.subscriptions.looks_max() + list.looks_max();
    }
    void count(const Ref& ref, bool comes);
    SubscriberList& list_of(const Ref& ref);
    void forget_if_empty(const Ref& ref);

    topic::FilterTrie ordinary_;
    topic::FilterTrie shared_;
    std::vector<SubscriberList> lists_;                     // by filter id of ordinary_
    std::vector<std::vector<ShareGroupId>> shared_groups_;  // by filter id of shared_
    ShareGroups groups_;
    journal::Journal& journal_;
    std::vector<FilterId> matches_;            // result of match()
    std::vector<ShareGroupId> group_matches_;  // result of match_shared()
    std::size_t size_ = 0;
    std::size_t shared_size_ = 0;
    std::uint64_t steps_ = 0;  // see take_steps()
};

}  // namespace ledge::broker
