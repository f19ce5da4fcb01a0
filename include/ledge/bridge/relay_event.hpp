// RelayEvent: news from a relay for logs, status and metrics. Plain values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "ledge/bridge/backoff.hpp"
#include "ledge/wire/types.hpp"

namespace ledge::bridge {

struct RelayEvent {
    enum class Kind : std::uint8_t {
        connected,  // the upstream has accepted the connection; `text`: the dialect
        relaying,   // all subscriptions are answered; messages flow in both directions
        proven,     // the upstream has answered a packet: the back-off may be reset
        ended,      // the pair of connections has ended; `text` says why
        // Subscriptions
        filter_refused,        // `topic` is the filter; by the upstream
        filter_lowered,        // the upstream grants less than the QoS asked for
        local_filter_refused,  // by the local broker: the inner client has not the rights
        // Single messages
        refused,          // the upstream has answered a message by an error code; the message is gone
        refused_locally,  // the local broker has answered a message by an error code; the message is gone
        set_aside,        // the message was published as a dead letter
        dropped,          // the message could not be passed on, and there is no dead letter of it
        loop_cut,         // the message has been here before, or has passed too many bridges
        strange_topic,    // the upstream has sent a message on a topic that no publisher can use
        // The upstream as a whole
        qos_lowered,                 // the upstream does not do QoS 2; from now on QoS 1 is used
        client_id_in_use,            // somebody else seems to use the same client id
        upstream_session_discarded,  // the local session was lost, so the upstream's session is discarded too
        upstream_session_lost,       // the upstream had a session before, and has none now
    };
    Kind kind = Kind::connected;
    std::string topic;
    wire::ReasonCode code = wire::ReasonCode::success;
    std::string text;  // a reason, for logs
};

std::string_view name_of(RelayEvent::Kind kind);

/// Messages, counted since the relay was made.
struct RelayCounters {
    std::uint64_t out = 0;  // passed on to the upstream, repetitions included
    std::uint64_t in = 0;
    std::uint64_t out_done = 0;  // QoS 1 and 2: acknowledged by the upstream and so off the local queue
    std::uint64_t in_done = 0;   // QoS 1 and 2: safe at the local broker and acknowledged to the upstream
    std::uint64_t no_route = 0;  // arrived, but no route carries them
    std::uint64_t loops = 0;
    std::uint64_t echoes = 0;
    std::uint64_t repeated = 0;  // sent again by the upstream on a live connection, and ignored
    std::uint64_t set_aside = 0;
    std::uint64_t dropped = 0;
    std::uint64_t refused = 0;
    std::uint64_t events_lost = 0;  // more events than the owner has taken

    /// The sum, for two relays of one bridge.
    void add(const RelayCounters& other);
};

}  // namespace ledge::bridge
