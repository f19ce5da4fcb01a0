// Retained messages still owed to a session for its new subscriptions: per subscription a filter and how far the
// retained store has been looked through for it. Sent at the pace of the reader; nothing else is kept.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/base/ring.hpp"
#include "ledge/journal/records.hpp"
#include "ledge/topic/detail/text_hash.hpp"
#include "ledge/wire/packets.hpp"

namespace ledge::session {

class RetainedFeed {
public:
    struct Batch {
        std::string filter;  // "": its subscription is gone
        journal::FeedProgress progress;
        std::uint32_t subscription_id = 0;
        wire::QoS qos = wire::QoS::at_most_once;
        bool is_looked_through = false;
        journal::FeedProgress recorded{};  // what the record of the subscription says of it
    };

    /// `seed`: secret of the hash of the filters.
    explicit RetainedFeed(std::uint64_t seed) : by_filter_(0, Hash{{}, topic::detail::TextHash(seed)}) {}

    bool empty() const { return batches_.empty(); }
    /// What is to be sent next. Requires !empty().
    Batch& front() { return batches_.front(); }
    void pop_front();
    /// Puts it last. Requires that nothing is owed for its filter.
    void add(Batch batch);
    /// What is owed for this filter; nullptr: nothing. Valid until the next change.
    Batch* find(std::string_view filter);
    /// All of it, in order, what is gone included.
    std::size_t size() const { return batches_.size(); }
    Batch& operator[](std::size_t index) { return batches_[index]; }
    /// What was found for it is looked for anew.
    void forget_topics_of(const Batch& batch) {
        if (&batch == &batches_.front()) forget_topics();
    }
    /// What the record of its subscription says of it.
    journal::FeedProgress recorded(std::string_view filter) {
        const Batch* batch = find(filter);
        return batch == nullptr ? journal::FeedProgress{} : batch->recorded;
    }
    /// Nothing is owed for this filter any more.
    void forget(std::string_view filter);

    std::vector<std::uint32_t> topics;  // found for the first batch, from `next` on not sent yet
    std::size_t next = 0;
    std::vector<std::string> news;  // filters of what came since it was recorded last

private:
    struct Transparent {
        using is_transparent = void;
    };
    struct Hash : Transparent {
        topic::detail::TextHash hash;
        std::size_t operator()(std::string_view text) const { return hash(text); }
    };
    struct Equal : Transparent {
        bool operator()(std::string_view a, std::string_view b) const { return a == b; }
    };

    void forget_topics();
    void leave_out_gone();

    Ring<Batch> batches_;      // at most one per filter, and those that are gone
    std::uint64_t first_ = 0;  // number of the one at the front
    std::size_t gone_ = 0;     // at most as many as the others, and a few
    boost::unordered_flat_map<std::string, std::uint64_t, Hash, Equal> by_filter_;  // their numbers
};

}  // namespace ledge::session
