// Counters of a shard. Plain numbers that only grow (gauges say so); the metric table of the broker has their names.
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
    std::uint64_t connects_received = 0;     // CONNECT packets, accepted or not
    std::uint64_t connections_refused = 0;   // before or by CONNACK
    std::uint64_t connections_gave_way = 0;  // clients disconnected from a full listener, for owners that have fewer
    std::uint64_t refused_memory = 0;        // of those, for want of memory
    std::uint64_t disconnected_memory = 0;   // clients that held most, disconnected for want of memory
    std::uint64_t strangers_gave_way = 0;    // peers without an accepted CONNECT, for want of memory
    std::uint64_t sessions_gave_way = 0;     // ended, away and empty, for want of memory or of places (sessions_max)
    std::uint64_t clients_throttled = 0;     // episodes of a client that sends faster than it may
    std::uint64_t users_throttled = 0;       // the same of a user, by all connections together
    std::uint64_t read_pauses = 0;           // how often a client was not read for a while
    std::uint64_t accept_pauses = 0;         // how often a listener let new connections wait
    std::uint64_t login_failures = 0;        // wrong user names or passwords
    std::uint64_t refused_not_allowed = 0;   // publications and subscriptions that the ACL denies
    std::uint64_t subscribe_steps = 0;       // work for SUBSCRIBE and UNSUBSCRIBE: entries, comparisons, rules
    std::uint64_t protocol_errors = 0;       // connections closed for what the peer sent
    std::uint64_t keep_alive_timeouts = 0;
    std::uint64_t takeovers = 0;
    std::uint64_t takeovers_delayed = 0;  // connections that had to wait for their turn
    std::uint64_t sessions_expired = 0;
    std::uint64_t wills_published = 0;
    std::uint64_t policies_taken = 0;    // users and rights that were read again and are in force
    std::uint64_t policies_refused = 0;  // the same with a mistake: what was there before stays

    // Publications that did not reach a session they were routed to, by reason
    std::uint64_t dropped_slow_reader = 0;    // QoS 0, outbox full
    std::uint64_t dropped_memory = 0;         // the memory budget: QoS 0 to slow readers, what only memory would keep
    std::uint64_t dropped_queue_full = 0;     // QoS 1/2, overflow policy
    std::uint64_t dropped_too_large = 0;      // Maximum Packet Size of the client
    std::uint64_t dropped_expired = 0;        // Message Expiry Interval
    std::uint64_t dropped_not_allowed = 0;    // the client may not read it any more
    std::uint64_t refused_quota = 0;          // publisher told 0x97
    std::uint64_t refused_share = 0;          // the same, because the owner has used up its share of the store
    std::uint64_t retained_refused = 0;       // retained store full
    std::uint64_t dropped_session_ended = 0;  // still queued when the session ended
    std::uint64_t dropped_unreadable = 0;     // the store does not give it back, or failed before it was kept

    std::uint64_t queued_messages = 0;  // gauge: waiting in sessions, in flight included
    std::uint64_t queued_bytes = 0;     // gauge: of those not in flight, topics, properties and payloads

    std::uint64_t dropped() const;
};

/// What dropped() is made of. The metric table of the broker has a row for each.
inline constexpr std::array<std::uint64_t Counters::*, 8> drop_counters{
    &Counters::dropped_slow_reader,   &Counters::dropped_memory,    &Counters::dropped_queue_full,
    &Counters::dropped_too_large,     &Counters::dropped_expired,   &Counters::dropped_not_allowed,
    &Counters::dropped_session_ended, &Counters::dropped_unreadable};

inline std::uint64_t Counters::dropped() const {
    std::uint64_t sum = 0;
    for (std::uint64_t Counters::*const part : drop_counters) sum += this->*part;
    return sum;
}

}  // namespace ledge::session
