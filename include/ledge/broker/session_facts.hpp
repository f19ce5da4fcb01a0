// SessionFacts: one session in the lists that operators get. SubscriptionFacts: one of its subscriptions. QueueFacts:
// its queue, for a meter that reads it again and again. Plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ledge/base/ids.hpp"
#include "ledge/base/time.hpp"
#include "ledge/session/queue_losses.hpp"
#include "ledge/wire/packets.hpp"

namespace ledge::broker {

/// The views point into the shard. They are valid until the next call that changes the shard.
struct SessionFacts {
    std::string_view client_id;
    std::string_view owner;                  // the authenticated user; "" = the session belongs to no user
    std::string_view address;                // remote address of the connection; "" = the session is offline
    std::string_view listener;               // of the connection; "" = the session is offline
    std::optional<wire::Version> version{};  // empty = the session is offline
    bool is_connected = false;
    Duration since{};  // how long the client is connected, or offline; since the start of the broker at most
    std::size_t subscriptions = 0;
    std::size_t messages = 0;              // waiting in the queue or in flight
    std::size_t inflight = 0;              // sent and not acknowledged
    std::uint64_t waiting_bytes = 0;       // of the messages that wait
    std::optional<Duration> queue_age{};   // of the oldest message in memory; empty = not known, or no message
    std::uint64_t dropped = 0;             // messages that the client has lost since the start of the broker
    std::optional<Duration> expires_in{};  // empty = the session is connected, or never expires

    std::size_t waiting() const { return messages - inflight; }
};

struct SubscriptionFacts {
    std::string filter;                       // as the client has written it
    std::uint32_t id = 0;                     // Subscription Identifier; 0 = none
    wire::QoS qos = wire::QoS::at_most_once;  // the maximum that was granted
    bool no_local = false;
    bool retain_as_published = false;
    wire::RetainHandling retain_handling{};

    friend bool operator==(const SubscriptionFacts&, const SubscriptionFacts&) = default;
};

using QueueLosses = session::QueueLosses;

struct QueueFacts {
    std::uint64_t messages = 0;          // waiting or in flight
    std::uint64_t bytes = 0;             // of these messages: topics, properties and payloads
    std::uint64_t waiting_messages = 0;  // not in flight; the limits of the queue count these
    std::uint64_t waiting_bytes = 0;
    QueueRow last_row = no_row;       // of the message that has come last; see SessionQueue::last_row()
    QueueRow oldest_row = no_row;     // no message in the queue has a lower row; no_row = no message has a row
    std::uint64_t arrived_bytes = 0;  // of the messages that have come since the start of the broker
    QueueLosses losses;
};

}  // namespace ledge::broker
