// Limits of sessions and connections. Every queue and every loop has a limit with a unit; when a limit is reached, the
// outcome is defined and a counter counts it. The defaults suit a gateway of Raspberry Pi class.
#pragma once

#include <cstdint>

#include "ledge/base/time.hpp"
#include "ledge/wire/types.hpp"

namespace ledge::session {

/// What happens to a QoS 1/2 publication for a session whose queue is full.
enum class OverflowPolicy : std::uint8_t {
    drop_oldest,  // the oldest queued publication is dropped and counted, the new one is queued
    drop_newest,  // the new publication is dropped and counted
    refuse,       // no session gets the publication, and its publisher is told 0x97; an MQTT 3 publisher, which cannot
                  // be told, is disconnected if the session with the full queue is offline
    spill,        // as drop_newest, except for a connected client whose session ends with its connection: its queue
                  // continues in the store, and when the store is full as well, the client is disconnected. So the
                  // client loses no message of level `relaxed` or `durable` without noticing
};

/// The largest inflight_max. One ring holds all packet ids between the oldest and the newest open exchange.
inline constexpr std::uint16_t inflight_ceiling = 16'384;

/// The value that holds when no Receive Maximum is sent: 65,535 (5.0 section 3.2.2.3.3).
inline constexpr std::uint16_t receive_maximum_unlimited = 65'535;

struct SessionLimits {
    // Limits of the packets and requests of a client
    std::uint32_t max_packet_size_bytes = 16 * 1024 * 1024;  // of each packet after CONNECT, fixed header included
    std::uint32_t connect_packet_max_bytes = 256 * 1024;     // of CONNECT, fixed header included
    std::uint16_t receive_maximum =
        receive_maximum_unlimited;           // inbound QoS 1/2 exchanges; CONNACK tells values below 65,535
    std::uint16_t topic_alias_max_in = 64;   // inbound topic aliases per connection; CONNACK tells the value
    std::uint16_t topic_alias_max_out = 16;  // outbound topic aliases per connection; the client may lower the value
    wire::QoS maximum_qos = wire::QoS::exactly_once;
    bool retain_available = true;
    bool shared_subscriptions_available = true;
    bool wildcard_subscriptions_available = true;
    std::uint32_t topic_levels_max = 128;      // 128 is the most that the broker can store
    std::uint32_t topic_bytes_max = 65'535;    // 65,535 is the most that a packet can carry
    std::uint32_t subscriptions_max = 20'000;  // per session: 5,000 devices with four topics each
    std::uint32_t client_id_bytes_max = 1024;
    std::uint32_t max_keep_alive_s = 0;  // seconds; 0 = unlimited; Server Keep Alive tells a client the lower value
    std::uint32_t session_expiry_max_s =
        7 * 24 * 3600;  // seconds; CONNACK tells the value when the client asked for more
    std::uint32_t session_expiry_v3_s = 7 * 24 * 3600;  // seconds; for MQTT 3 clients with clean session 0
    // A connection that sends faster than the next four allow is not read until tokens return.
    std::uint32_t messages_per_second = 0;  // PUBLISH packets of one connection; 0 = unlimited
    std::uint32_t messages_burst = 0;       // PUBLISH packets at once; 0 = one second's worth
    std::uint64_t bytes_per_second = 0;     // of one connection; 0 = unlimited
    std::uint64_t bytes_burst = 0;          // bytes at once; 0 = one second's worth
    // The next four mean the same as the four above, but count all connections of a user together.
    std::uint32_t user_messages_per_second = 0;
    std::uint32_t user_messages_burst = 0;
    std::uint64_t user_bytes_per_second = 0;
    std::uint64_t user_bytes_burst = 0;
    std::uint32_t connections_per_user_max = 0;  // connections with the same user name; 0 = unlimited
    Duration connect_timeout = 10s;              // from the first byte to a valid CONNECT

    // Limits of the memory and the store that the broker uses for a client
    std::uint16_t inflight_max = 100;                 // open outbound QoS 1/2 exchanges; the client may lower the value
    std::uint32_t queue_messages_max = 1000;          // messages in memory behind the in-flight window, per session
    std::uint64_t queue_bytes_max = 4 * 1024 * 1024;  // bytes of those messages
    std::uint32_t queue_stored_messages_max = 2'000'000;          // messages in the store, per session
    std::uint64_t queue_stored_bytes_max = 512ULL * 1024 * 1024;  // bytes of those messages
    std::uint32_t queue_window_messages = 200;      // stored messages that are also in memory, per session
    std::uint32_t queue_window_bytes = 256 * 1024;  // bytes of those messages
    OverflowPolicy overflow = OverflowPolicy::spill;
    bool queue_qos0_offline = false;               // true = QoS 0 messages are queued for sessions without a connection
    std::uint64_t outbox_bytes_max = 1024 * 1024;  // unsent bytes: above, QoS 0 is dropped and QoS 1/2 waits
    std::uint64_t outbox_bytes_fatal = 8 * 1024 * 1024;  // unsent bytes: above, a peer that never reads is disconnected
};

}  // namespace ledge::session
