// RelayEvent: news from a relay for logs, status and metrics. Plain values.
#pragma once

#include <algorithm>
#include <array>
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

/// Codes by which an upstream refuses a message for good, for counters: all error codes of PUBACK and PUBREC [5.0 table
/// 3-4] except those that may pass (temporary.hpp).
inline constexpr std::array refusal_codes{
    wire::ReasonCode::unspecified_error, wire::ReasonCode::implementation_specific_error,
    wire::ReasonCode::not_authorized, wire::ReasonCode::topic_name_invalid, wire::ReasonCode::payload_format_invalid};

/// The place of the code in RelayCounters::refused_by_code. Other codes, which the decoder lets nobody send, count as
/// unspecified_error.
constexpr std::size_t refusal_index(wire::ReasonCode code) {
    const auto found = std::find(refusal_codes.begin(), refusal_codes.end(), code);
    return found == refusal_codes.end() ? 0 : static_cast<std::size_t>(found - refusal_codes.begin());
}

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
    std::uint64_t dropped_slow = 0;        // of `dropped`: QoS 0, and the upstream does not read fast enough
    std::uint64_t dropped_unsendable = 0;  // of `dropped`: the upstream would not take them; no dead letter was kept
    std::uint64_t dropped_incoming = 0;    // of `dropped`: messages of the upstream
    std::uint64_t refused = 0;
    std::uint64_t refused_here = 0;  // of `refused`: messages of the upstream, by the local broker
    std::array<std::uint64_t, refusal_codes.size()> refused_by_code{};  // of `refused`: by the upstream
    std::uint64_t events_lost = 0;                                      // more events than the owner has taken

    /// The sum, for two relays of one bridge.
    void add(const RelayCounters& other);
};

}  // namespace ledge::bridge
