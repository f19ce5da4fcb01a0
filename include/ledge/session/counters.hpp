// Counters of a shard, written on its thread. Plain numbers that only grow, except those that are marked as gauges. The
// metric table of the broker has their names.
#pragma once

#include <array>
#include <cstdint>

namespace ledge::session {

struct Counters {
    std::uint64_t bytes_received = 0;
    std::uint64_t bytes_sent = 0;
    std::uint64_t packets_received = 0;
    std::uint64_t packets_sent = 0;
    std::uint64_t publish_received = 0;
    std::uint64_t publish_sent = 0;
    std::uint64_t publish_bytes_received = 0;  // payload bytes
    std::uint64_t publish_bytes_sent = 0;
    std::uint64_t connections_opened = 0;
    std::uint64_t connects_received = 0;        // CONNECT packets, accepted or not
    std::uint64_t connections_refused = 0;      // before or by CONNACK
    std::uint64_t connections_evicted = 0;      // clients disconnected from a full listener, for owners that have fewer
    std::uint64_t refused_memory = 0;           // connections refused because memory is short
    std::uint64_t disconnected_memory = 0;      // clients that held most memory, disconnected because memory is short
    std::uint64_t unauthenticated_evicted = 0;  // peers without an accepted CONNECT, closed because memory is short
    std::uint64_t sessions_evicted = 0;         // offline empty sessions, ended for lack of memory or at sessions_max
    std::uint64_t clients_throttled = 0;        // episodes in which a client sent faster than its rate limit
    std::uint64_t users_throttled = 0;          // episodes in which all connections of a user together did
    std::uint64_t read_pauses = 0;              // how often the broker stopped reading a client for a while
    std::uint64_t accept_pauses = 0;            // how often a listener stopped accepting connections for a while
    std::uint64_t login_failures = 0;           // wrong user names or passwords
    std::uint64_t refused_not_allowed = 0;      // publications and subscriptions that the ACL denies
    std::uint64_t subscribe_steps = 0;          // work for SUBSCRIBE and UNSUBSCRIBE: entries, comparisons, rules
    std::uint64_t protocol_errors = 0;          // connections closed because the peer broke the protocol
    std::uint64_t keep_alive_timeouts = 0;
    std::uint64_t takeovers = 0;
    std::uint64_t takeovers_delayed = 0;  // connections that had to wait before they got the session
    std::uint64_t sessions_expired = 0;
    std::uint64_t wills_published = 0;
    std::uint64_t policies_loaded = 0;   // reloads of users and rights that are in force
    std::uint64_t policies_refused = 0;  // reloads of users and rights with a mistake: the old ones stay in force

    // Publications that did not reach a session, by reason. Tracer::drop() counts those that begin with "dropped".
    std::uint64_t dropped_slow_reader = 0;    // QoS 0, and the outbox is full
    std::uint64_t dropped_memory = 0;         // memory is short: QoS 0 to slow readers, and messages without a store
    std::uint64_t dropped_queue_full = 0;     // QoS 1 or 2, by the overflow policy
    std::uint64_t dropped_too_large = 0;      // above Maximum Packet Size of the client
    std::uint64_t dropped_expired = 0;        // Message Expiry Interval is over, or QueueRules::age_max
    std::uint64_t dropped_replaced = 0;       // a newer message of the topic has come (QueueRules::last_value)
    std::uint64_t dropped_not_allowed = 0;    // the client may no longer read the topic
    std::uint64_t refused_quota = 0;          // publications refused: a queue or the store is full, or the store failed
    std::uint64_t refused_share = 0;          // publications refused: the owner's share of store or journal is used up
    std::uint64_t retained_refused = 0;       // retained messages refused: limit, memory, or the share of the owner
    std::uint64_t dropped_session_ended = 0;  // still queued when the session ended
    std::uint64_t dropped_unreadable = 0;     // the store cannot return the message, or failed before keeping it
    std::uint64_t dropped_cleared = 0;        // an operator has cleared the queue

    std::uint64_t last_value_unindexed = 0;  // messages that no newer one can replace: AppliedRules::topics_max

    std::uint64_t queued_messages = 0;  // gauge: messages that wait in sessions, in flight included
    std::uint64_t queued_bytes = 0;     // gauge: topics, properties and payloads of those that are not in flight

    std::uint64_t traces = 0;  // gauge: traces that run (Tracer); here, because each stage of a message has this struct
                               // at hand

    std::uint64_t dropped() const;
};

/// The counters that dropped() adds up. The metric table of the broker has a row for each.
inline constexpr std::array<std::uint64_t Counters::*, 10> drop_counters{
    &Counters::dropped_slow_reader, &Counters::dropped_memory,        &Counters::dropped_queue_full,
    &Counters::dropped_too_large,   &Counters::dropped_expired,       &Counters::dropped_replaced,
    &Counters::dropped_not_allowed, &Counters::dropped_session_ended, &Counters::dropped_unreadable,
    &Counters::dropped_cleared};

inline std::uint64_t Counters::dropped() const {
    std::uint64_t sum = 0;
    for (std::uint64_t Counters::*const part : drop_counters) sum += this->*part;
    return sum;
}

}  // namespace ledge::session
