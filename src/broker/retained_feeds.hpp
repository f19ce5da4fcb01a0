// RetainedFeeds: sends retained messages for new subscriptions, in portions and at the pace of the reader. A feed
// belongs to the session, so it continues on later connections. No turn examines more than `looks_per_turn` topics,
// however many topics exist and however often clients subscribe. Owned by the shard; on the shard's thread.
#pragma once

#include <string_view>
#include <vector>

#include "ledge/session/connection.hpp"
#include "ledge/session/retained_feed.hpp"
#include "retained.hpp"
#include "session_table.hpp"
#include "subscriptions.hpp"

namespace ledge::broker {

class RetainedFeeds {
public:
    static constexpr std::size_t looks_per_turn = 4096;  // retained topics examined in one turn, for all clients
    /// Additional rounds that one filter can be owed. They come from repeated SUBSCRIBE packets for the same filter
    /// before its first message is sent; further packets add no round.
    static constexpr std::uint16_t rounds_max = 10;

    /// `seed`: secret of the hash over the filters that are owed.
    RetainedFeeds(Retained& retained, Subscriptions& subscriptions, session::Tracer& tracer, std::uint64_t seed)
        : retained_(retained), subscriptions_(subscriptions), tracer_(tracer), seed_(seed) {}

    /// True when the queue rules of the session leave the topic to another session, which has subscribed to it.
    bool is_left_to_other(const session::Session& session, std::string_view topic) const;

    /// Must be called before the first feed. The table outlives the object's last call.
    void use_sessions(const SessionTable& sessions) { sessions_ = &sessions; }

    /// From now on `session` is owed the retained messages that match `filter` now [MQTT-3.3.1-9]. When they are owed
    /// already, they are owed once more [MQTT-3.8.4-5]; when their sending has begun, it begins anew.
    void add(session::Session& session, std::string_view filter, wire::QoS qos, std::uint32_t subscription_id);
    /// Sends retained messages until the reader has no room left, or looks_per_turn is used up.
    void feed(session::Connection& connection, Instant now);
    /// The subscription was removed: nothing is owed for its filter any more.
    static void forget(session::Session& session, std::string_view filter);
    /// Continues a feed after a start, from the progress in the record of a subscription.
    void restore(session::Session& session, const journal::SubscriptionRecord& record) const;
    /// Writes the progress of the feed into the records of the subscriptions, so that the feed survives the end of the
    /// broker. Called when the session has lost its connection.
    void record(session::Session& session);
    /// The connection is about to be destroyed.
    void forget(session::Connection& connection) { std::erase(unfinished_, &connection); }

    /// A new turn begins: looks_per_turn topics may be examined again.
    void begin_turn() { looks_left_ = looks_per_turn; }
    /// True when a connection has room for more messages but looks_per_turn was used up. Call feed_unfinished in the
    /// next turn.
    bool has_unfinished() const { return !unfinished_.empty(); }
    void feed_unfinished(Instant now);

private:
    enum class Progress : std::uint8_t { done, no_room, looks_used_up };

    Progress feed_batches(session::Connection& connection, Instant now);
    /// False when no round is left for the first batch.
    bool begin_next_round(session::Session& session);
    session::RetainedFeed& feed_of(session::Session& session) const;
    void record(session::Session& session, session::RetainedFeed::Batch& batch);
    std::uint64_t first_unsent(session::RetainedFeed& feed) const;
    bool look_further(session::RetainedFeed& feed);
    static bool has_room(const session::Connection& connection, wire::QoS qos);
    void send(session::Connection& connection, const session::RetainedFeed::Batch& batch, topic::TopicId topic,
              Instant now) const;

    Retained& retained_;
    Subscriptions& subscriptions_;
    session::Tracer& tracer_;
    const SessionTable* sessions_ = nullptr;
    std::uint64_t seed_;
    std::size_t looks_left_ = looks_per_turn;       // in this turn
    std::vector<session::Connection*> unfinished_;  // each at most once; see has_unfinished()
};

}  // namespace ledge::broker
