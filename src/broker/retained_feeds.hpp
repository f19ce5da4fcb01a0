// Retained messages for new subscriptions, at the pace of the reader and in portions, over as many connections as it
// takes: no turn looks at more than `looks_per_turn` topics, however many there are and however often somebody
// subscribes.
#pragma once

#include <string_view>
#include <vector>

#include "ledge/session/connection.hpp"
#include "ledge/session/retained_feed.hpp"
#include "retained.hpp"
#include "subscriptions.hpp"

namespace ledge::broker {

class RetainedFeeds {
public:
    static constexpr std::size_t looks_per_turn = 4096;
    /// SUBSCRIBEs of one filter that come before anything is sent for the first; further ones add nothing.
    static constexpr std::uint16_t rounds_max = 10;

    /// `seed`: secret of the hash of the filters that are owed.
    RetainedFeeds(Retained& retained, Subscriptions& subscriptions, std::uint64_t seed)
        : retained_(retained), subscriptions_(subscriptions), seed_(seed) {}

    /// Owes `session` what matches `filter` now [MQTT-3.3.1-9], once more if it is owed already [MQTT-3.8.4-5];
    /// what has begun to be sent begins anew.
    void add(session::Session& session, std::string_view filter, wire::QoS qos, std::uint32_t subscription_id);
    /// Sends as much as the reader has room for, as far as the looks of this turn go.
    void feed(session::Connection& connection, Instant now);
    /// The subscription is gone: nothing more of it.
    static void forget(session::Session& session, std::string_view filter);
    /// Continues with what the record of a subscription says.
    void restore(session::Session& session, const journal::SubscriptionRecord& record) const;
    /// The session's connection is gone: what it is still owed stays, also when the broker ends.
    void record(session::Session& session);
    /// The connection is going.
    void forget(session::Connection& connection) { std::erase(unfinished_, &connection); }

    /// A new turn: looks are available again.
    void begin_turn() { looks_left_ = looks_per_turn; }
    /// Some connection has room for more, but its looks for this turn are used up: call feed_unfinished next turn.
    bool has_unfinished() const { return !unfinished_.empty(); }
    void feed_unfinished(Instant now);

private:
    enum class Progress : std::uint8_t { done, no_room, looks_used_up };

    Progress feed_batches(session::Connection& connection, Instant now);
    /// False: nothing more is owed for the first batch.
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
    std::uint64_t seed_;
    std::size_t looks_left_ = looks_per_turn;
    std::vector<session::Connection*> unfinished_;
};

}  // namespace ledge::broker
