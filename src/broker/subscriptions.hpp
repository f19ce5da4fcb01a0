// Subscriptions: which sessions want what. Ordinary and shared filters each have a trie of their own, so that a
// publication pays nothing for a kind that is not used.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "ledge/journal/records.hpp"
#include "ledge/topic/filter_trie.hpp"
#include "share_groups.hpp"
#include "subscriber_list.hpp"

namespace ledge::broker {

class Subscriptions {
public:
    Subscriptions(std::uint64_t seed, ShareStrategy strategy, Rng& rng, journal::Journal& journal);

    enum class Added : std::uint8_t {
        fresh,      // the session did not have it before
        replaced,   // it did; options and identifier are the new ones [MQTT-3.8.4-3]
        unchanged,  // it did, with the same options and identifier: nothing is written
        refused,    // there are as many share groups as there can be
    };
    /// `filter` is valid, "$share/…" included.
    Added add(session::Session& session, std::string_view filter, const wire::SubscribeOptions& options,
              std::uint32_t id);
    /// False when there was none.
    bool remove(session::Session& session, std::string_view filter);
    /// The records in the store are left alone: they go with the session's.
    void remove_all(session::Session& session);
    /// Brings the record of a subscription up to date with what its batch of the retained feed says: that, as it is
    /// there, is recorded from now on. Requires that the session is stored and has the subscription.
    void record_feed(session::Session& session, session::RetainedFeed::Batch& batch,
                     const journal::FeedProgress& progress);
    /// Continues with what the store remembers. False: the session has this filter already, or it cannot be kept.
    bool restore(session::Session& session, const journal::SubscriptionRecord& record, std::uint32_t number);
    bool has(const session::Session& session, std::string_view filter) const;
    /// As the client has given them, "$share/…" included.
    std::vector<std::string> filters_of(const session::Session& session) const;

    /// The ordinary filters that match; valid until the next call.
    std::span<const topic::FilterId> match(std::string_view topic);
    const SubscriberList& subscribers(topic::FilterId filter) const { return lists_[filter]; }

    bool has_shared() const { return shared_.size() > 0; }
    /// The groups whose filter matches; valid until the next call.
    std::span<const ShareGroupId> match_shared(std::string_view topic);
    ShareGroups& groups() { return groups_; }

    /// Subscriptions of all sessions.
    std::size_t size() const { return size_; }
    /// Of those, shared ones.
    std::size_t shared_size() const { return shared_size_; }
    /// Comparisons that add() and remove() have made, at most, since the last call.
    std::uint64_t take_steps() { return std::exchange(steps_, 0); }

private:
    using Ref = session::SubscriptionRef;

    Ref find(std::string_view filter, bool& is_known) const;
    /// False when no further share group can be made.
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
    std::vector<SubscriberList> lists_;                     // by filter of ordinary_
    std::vector<std::vector<ShareGroupId>> shared_groups_;  // by filter of shared_
    ShareGroups groups_;
    journal::Journal& journal_;
    std::vector<topic::FilterId> matches_;
    std::vector<ShareGroupId> group_matches_;
    std::size_t size_ = 0;
    std::size_t shared_size_ = 0;
    std::uint64_t steps_ = 0;
};

}  // namespace ledge::broker
