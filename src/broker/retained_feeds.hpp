// Retained messages for new subscriptions, at the pace of the reader: a connection is owed a list of topic numbers,
// and each time it has room the next ones are looked up and sent.
#pragma once

#include <string_view>

#include "ledge/session/connection.hpp"
#include "ledge/session/retained_feed.hpp"
#include "retained.hpp"

namespace ledge::broker {

class RetainedFeeds {
public:
    explicit RetainedFeeds(const Retained& retained) : retained_(retained) {}

    /// Owes `connection` what matches `filter` now [MQTT-3.3.1-9].
    void add(session::Connection& connection, std::string_view filter, wire::QoS qos, std::uint32_t subscription_id);
    /// Sends as much as the reader has room for.
    void feed(session::Connection& connection, Instant now) const;
    /// The subscription is gone: nothing more of it.
    static void forget(session::Connection& connection, std::string_view filter);

private:
    static bool has_room(const session::Connection& connection, wire::QoS qos);
    void send(session::Connection& connection, const session::RetainedFeed::Batch& batch, topic::TopicId topic, Instant now) const;

    const Retained& retained_;
};

}  // namespace ledge::broker
