// SUBSCRIBE and UNSUBSCRIBE, done: each filter judged, the table changed, SUBACK / UNSUBACK, retained messages.
#pragma once

#include <string_view>
#include <vector>

#include "ledge/session/connection.hpp"
#include "ledge/wire/packets.hpp"
#include "retained_feeds.hpp"
#include "subscriptions.hpp"

namespace ledge::broker {

class Subscribing {
public:
    Subscribing(session::Environment& environment, Subscriptions& subscriptions, RetainedFeeds& feeds)
        : environment_(environment), subscriptions_(subscriptions), feeds_(feeds) {}

    void add(session::Connection& connection, const wire::Subscribe& packet, Instant now);
    void remove(session::Connection& connection, const wire::Unsubscribe& packet);

private:
    wire::ReasonCode add_one(session::Connection& connection, const wire::SubscribeEntry& entry, std::uint32_t id);
    void refuse_remove(session::Connection& connection, const wire::Unsubscribe& packet);
    wire::ReasonCode check(const session::Connection& connection, std::string_view filter);
    bool has_memory_for_more(const session::Session& session) const;
    void note_refusal(session::Connection& connection, std::string_view filter, wire::ReasonCode code);
    void answer(session::Connection& connection, wire::PacketType type, wire::PacketId id);

    session::Environment& environment_;
    Subscriptions& subscriptions_;
    RetainedFeeds& feeds_;
    std::vector<Byte> codes_;
    std::string rule_;    // that has denied the last one; empty: none has
    std::string reason_;  // why the first one that is refused is, for the client
};

}  // namespace ledge::broker
