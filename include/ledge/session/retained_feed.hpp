// RetainedFeed: the retained messages that a session must still get for its new subscriptions. They are sent as fast as
// the client reads. For each subscription the feed keeps only the filter and the position up to which the retained
// messages have been searched. Owned by the session, on the shard's thread.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/base/ring.hpp"
#include "ledge/base/text_hash.hpp"
#include "ledge/journal/progress.hpp"
#include "ledge/wire/packets.hpp"

namespace ledge::session {

class RetainedFeed {
public:
    /// The retained messages of one subscription.
    struct Batch {
        std::string filter;  // "" = the subscription has been removed
        journal::FeedProgress progress;
        std::uint32_t subscription_id = 0;
        wire::QoS qos = wire::QoS::at_most_once;
        bool is_looked_through = false;    // all retained messages have been searched
        journal::FeedProgress recorded{};  // the progress that the subscription's record in the store has
    };

    /// `seed` = a secret for the hash of the filters, so that a client cannot choose filters that collide.
    explicit RetainedFeed(std::uint64_t seed) : by_filter_(0, Hash{{}, TextHash(seed)}) {}

    bool empty() const { return batches_.empty(); }
    /// The batch whose messages are sent next. Requires !empty().
    Batch& front() { return batches_.front(); }
    /// Removes the front batch. Requires !empty().
    void pop_front();
    /// Appends a batch. Requires find(batch.filter) == nullptr.
    void add(Batch batch);
    /// The batch of this filter; nullptr when there is none. Valid until the next change.
    Batch* find(std::string_view filter);
    /// All batches in order. This includes batches whose subscription has been removed.
    std::size_t size() const { return batches_.size(); }
    Batch& operator[](std::size_t index) { return batches_[index]; }
    /// The topics that were found for this batch are dropped, so that they are searched again.
    void forget_topics_of(const Batch& batch) {
        if (&batch == &batches_.front()) forget_topics();
    }
    /// The progress that the record of this filter's subscription has in the store.
    journal::FeedProgress recorded(std::string_view filter) {
        const Batch* batch = find(filter);
        return batch == nullptr ? journal::FeedProgress{} : batch->recorded;
    }
    /// The subscription was removed: no more messages are sent for this filter.
    void forget(std::string_view filter);

    std::vector<std::uint32_t> topics;  // topics found for the front batch
    std::size_t next = 0;               // index of the first of these topics that was not sent yet
    std::vector<std::string> news;      // filters subscribed to since the feed was recorded last

private:
    struct Transparent {
        using is_transparent = void;
    };
    struct Hash : Transparent {
        TextHash hash;
        std::size_t operator()(std::string_view text) const { return hash(text); }
    };
    struct Equal : Transparent {
        bool operator()(std::string_view a, std::string_view b) const { return a == b; }
    };

    void forget_topics();
    void erase_removed();

    Ring<Batch> batches_;      // at most one per filter, and batches whose subscription has been removed
    std::uint64_t first_ = 0;  // number of the front batch; the following batches have the next numbers
    std::size_t removed_ = 0;  // batches whose subscription has been removed; not many more than the others
    boost::unordered_flat_map<std::string, std::uint64_t, Hash, Equal> by_filter_;  // numbers of the batches
};

}  // namespace ledge::session
