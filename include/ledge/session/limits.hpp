// Limits of sessions and connections. Every queue and loop has one, with a unit; reaching it has a defined outcome
// and a counter. Defaults are for a gateway of Raspberry Pi class.
#pragma once

#include <cstdint>

#include "ledge/base/time.hpp"
#include "ledge/wire/types.hpp"

namespace ledge::session {

/// What happens to a QoS 1/2 publication for a session whose queue is full.
enum class OverflowPolicy : std::uint8_t {
    drop_oldest,  // make room: the oldest queued publication goes, counted
    drop_newest,  // the publication is not queued for this session, counted
    refuse,       // nobody gets it and the publisher is told 0x97; a 3.x publisher is closed if the session is offline
    spill,        // as drop_newest, but a connected client whose session ends with its connection loses nothing that is
    // not `ram` without noticing: its queue goes on in the store, and when that is full it is disconnected
};

/// Highest inflight_max there can be: the ids between the oldest and the newest open exchange are kept in one ring.
inline constexpr std::uint16_t inflight_ceiling = 16'384;

/// What the standard means when nobody says a Receive Maximum (5.0 section 3.2.2.3.3): as many as packet ids allow.
inline constexpr std::uint16_t receive_maximum_unlimited = 65'535;

struct SessionLimits {
    // What a client may do
    std::uint32_t max_packet_size_bytes = 16 * 1024 * 1024;  // whole packet, after CONNECT
    std::uint32_t connect_packet_max_bytes = 256 * 1024;     // of the first packet
    std::uint16_t receive_maximum =
        receive_maximum_unlimited;           // inbound QoS 1/2 in flight; told in CONNACK when it is less
    std::uint16_t topic_alias_max_in = 64;   // inbound topic aliases, told in CONNACK
    std::uint16_t topic_alias_max_out = 16;  // outbound, if the client allows
    wire::QoS maximum_qos = wire::QoS::exactly_once;
    bool retain_available = true;
    bool shared_subscriptions_available = true;
    bool wildcard_subscriptions_available = true;
    std::uint32_t topic_levels_max = 128;      // as many as the broker can take
    std::uint32_t topic_bytes_max = 65'535;    // as many as a packet can carry
    std::uint32_t subscriptions_max = 20'000;  // per session: 5,000 devices with four topics each
    std::uint32_t client_id_bytes_max = 1024;
    std::uint32_t max_keep_alive_s = 0;                  // 0: any; otherwise told as Server Keep Alive
    std::uint32_t session_expiry_max_s = 7 * 24 * 3600;  // told in CONNACK when it shortens the wish
    std::uint32_t session_expiry_v3_s = 7 * 24 * 3600;   // for 3.x clients with clean session 0
    std::uint32_t messages_per_second = 0;       // PUBLISH packets of one connection; 0: any. Beyond it is read later
    std::uint32_t messages_burst = 0;            // of those at once; 0: as many as in a second
    std::uint64_t bytes_per_second = 0;          // of one connection; 0: any. Beyond it is read later
    std::uint64_t bytes_burst = 0;               // of those at once; 0: as many as in a second
    std::uint32_t user_messages_per_second = 0;  // the same four of all connections of one user name together
    std::uint32_t user_messages_burst = 0;
    std::uint64_t user_bytes_per_second = 0;
    std::uint64_t user_bytes_burst = 0;
    std::uint32_t connections_per_user_max = 0;  // of those with a user name; 0: any
    Duration connect_timeout = 10s;              // first byte to valid CONNECT

    // What is kept for a client
    std::uint16_t inflight_max = 100;                     // outbound QoS 1/2 unacknowledged, also bounded by the client
    std::uint32_t queue_messages_max = 1000;              // waiting behind the in-flight window in RAM, per session
    std::uint64_t queue_bytes_max = 4 * 1024 * 1024;      // same, in bytes
    std::uint32_t queue_stored_messages_max = 2'000'000;  // waiting in the store, per session
    std::uint64_t queue_stored_bytes_max = 512ULL * 1024 * 1024;  // same, in bytes
    std::uint32_t queue_window_messages = 200;                    // of those, kept in RAM
    std::uint32_t queue_window_bytes = 256 * 1024;                // same, in bytes
    OverflowPolicy overflow = OverflowPolicy::spill;
    bool queue_qos0_offline = false;               // keep QoS 0 for disconnected sessions
    std::uint64_t outbox_bytes_max = 1024 * 1024;  // unsent bytes from where on QoS 0 is dropped and QoS 1/2 waits
    std::uint64_t outbox_bytes_fatal = 8 * 1024 * 1024;  // unsent control packets of a peer that never reads: close
};

}  // namespace ledge::session
