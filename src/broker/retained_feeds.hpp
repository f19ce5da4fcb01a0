// Retained messages for new subscriptions, at the pace of the reader and in portions, over as many connections as it
// takes: no turn looks at more than `looks_per_turn` topics, however many there are and however often somebody
// subscribes.
#pragma once

#include <string_view>
#include <vector>

#include "ledge/session/connection.hpp"
#include "ledge/session/retained_feed.hpp"
#include "retained.hpp"

namespace ledge::broker {

class RetainedFeeds {
public:
    static constexpr std::size_t looks_per_turn = 4096;

    explicit RetainedFeeds(Retained& retained) : retained_(retained) {}

    /// Owes `session` what matches `filter` now [MQTT-3.3.1-9]; a repeated SUBSCRIBE starts anew, it does not add up.
    void add(session::Session& session, std::string_view filter, wire::QoS qos, std::uint32_t subscription_id);
    /// Sends as much as the reader has room for, as far as the looks of this turn go.
    void feed(session::Connection& connection, Instant now);
    /// The subscription is gone: nothing more of it.
    static void forget(session::Session& session, std::string_view filter);
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
    bool look_further(session::RetainedFeed& feed);
    static bool has_room(const session::Connection& connection, wire::QoS qos);
    void send(session::Connection& connection, const session::RetainedFeed::Batch& batch, topic::TopicId topic,
              Instant now) const;

    Retained& retained_;
    std::size_t looks_left_ = looks_per_turn;
    std::vector<session::Connection*> unfinished_;
};

}  // namespace ledge::broker
