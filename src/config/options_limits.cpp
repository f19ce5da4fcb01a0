// The options of [limits], which each listener may override in [listeners.NAME.limits]. Defaults are not here: they are
// the values of a default-constructed SessionLimits.
#include "ledge/base/token_bucket.hpp"
#include "option_rows.hpp"
#include "options.hpp"

namespace ledge::config {
namespace {

using session::SessionLimits;

constexpr Option limit_rows[] = {
    // Remaining Length has at most four bytes, which bounds every packet of MQTT (5.0 section 1.5.5).
    limit<&SessionLimits::max_packet_size_bytes>(
        "max_packet_size_bytes", "bytes", {64, mqtt_packet_max},
        "The largest packet in bytes that a client may send after CONNECT, fixed header included. MQTT 5 clients are "
        "told this value as Maximum Packet Size. A client with a larger packet is disconnected as soon as the header "
        "has arrived, before the body. zigbee2mqtt sends the list of all its devices in one message, about 3 KiB per "
        "device."),
    // A client learns Maximum Packet Size only from CONNACK (5.0 section 3.2.2.3.6), so it cannot know this limit.
    limit<&SessionLimits::connect_packet_max_bytes>(
        "connect_packet_max_bytes", "bytes", {64, mqtt_packet_max},
        "The largest CONNECT packet in bytes, fixed header included. CONNECT has its own limit because the peer has "
        "not logged in yet. A peer with a larger CONNECT is disconnected."),
    // Rates of one connection. A token bucket measures them (base/token_bucket.hpp).
    limit<&SessionLimits::messages_per_second>(
        "messages_per_second", "messages", {0, u32_max},
        "PUBLISH packets that one client may send in a second, on average; 0 = unlimited. Above this rate the "
        "client's socket is not read until tokens return. Nothing is dropped, and the client's keep alive does not "
        "run meanwhile."),
    limit<&SessionLimits::messages_burst>(
        "messages_burst", "messages", {0, u32_max},
        "PUBLISH packets that one client may send at once after a quiet time; 0 = one second's worth of "
        "messages_per_second."),
    // The largest rate is that of a token bucket, whose integers would overflow above it.
    limit<&SessionLimits::bytes_per_second>(
        "bytes_per_second", "bytes", {0, static_cast<std::int64_t>(TokenBucket::per_second_max)},
        "Bytes of MQTT packets of any kind that one client may send in a second, on average; 0 = unlimited. Above "
        "this rate the client's socket is not read until tokens return."),
    limit<&SessionLimits::bytes_burst>(
        "bytes_burst", "bytes", {0, static_cast<std::int64_t>(TokenBucket::per_second_max)},
        "Bytes that one client may send at once after a quiet time; 0 = one second's worth of bytes_per_second."),
    // Rates of one user. Without them, a user could exceed each rate above by opening more connections.
    limit<&SessionLimits::user_messages_per_second>(
        "user_messages_per_second", "messages", {0, u32_max},
        "PUBLISH packets that all connections of one user name together may send in a second, on average; 0 = "
        "unlimited. The connections share this rate, served round-robin; a new connection gets only what the others "
        "leave. Above this rate their sockets are not read until tokens return. If a user is connected through "
        "several listeners, the smallest of their values holds. Clients without a user name are not counted."),
    limit<&SessionLimits::user_messages_burst>(
        "user_messages_burst", "messages", {0, u32_max},
        "PUBLISH packets that all connections of one user name together may send at once after a quiet time; 0 = one "
        "second's worth of user_messages_per_second."),
    limit<&SessionLimits::user_bytes_per_second>(
        "user_bytes_per_second", "bytes", {0, static_cast<std::int64_t>(TokenBucket::per_second_max)},
        "Bytes of MQTT packets of any kind except CONNECT that all connections of one user name together may send in "
        "a second, on average; 0 = unlimited. This rate is shared in the way of user_messages_per_second."),
    limit<&SessionLimits::user_bytes_burst>(
        "user_bytes_burst", "bytes", {0, static_cast<std::int64_t>(TokenBucket::per_second_max)},
        "Bytes that all connections of one user name together may send at once after a quiet time; 0 = one second's "
        "worth of user_bytes_per_second."),
    // Quota exceeded in CONNACK: 0x97 (5.0 section 3.2.2.2).
    limit<&SessionLimits::connections_per_user_max>(
        "connections_per_user_max", "connections", {0, 1'000'000},
        "Connections that one user name may have at once; 0 = unlimited. A further connection is refused with quota "
        "exceeded. Clients without a user name are not counted."),
    // A server should close a connection on which no CONNECT arrives in a reasonable time (5.0 section 3.1.4).
    limit<&SessionLimits::connect_timeout>(
        "connect_timeout_s", "s", {1, 3600},
        "Seconds from the opened connection until CONNECT is complete and answered. After this time the connection "
        "is closed."),
    // Keep Alive has two bytes (5.0 section 3.1.2.10). Server Keep Alive is in section 3.2.2.3.14.
    limit<&SessionLimits::max_keep_alive_s>(
        "max_keep_alive_s", "s", {0, u16_max},
        "The longest keep alive in seconds; 0 = unlimited. An MQTT 5 client that asks for a longer keep alive, or "
        "for none, is told this value as Server Keep Alive. MQTT 3 clients cannot be told and choose freely."),
    // A server must allow client ids of 1 to 23 bytes [MQTT-3.1.3-5], so 23 is the smallest value.
    limit<&SessionLimits::client_id_bytes_max>(
        "client_id_bytes_max", "bytes", {23, u16_max},
        "The longest client id in bytes. A CONNECT with a longer one is refused (client identifier not valid)."),
    // Maximum QoS in CONNACK (5.0 section 3.2.2.3.4).
    limit<&SessionLimits::maximum_qos>(
        "maximum_qos", "", {0, 2},
        "The highest QoS with which a client may publish; a client that publishes with a higher one is disconnected. "
        "Subscriptions are granted at most this QoS."),
    // Retain Available in CONNACK (5.0 section 3.2.2.3.5).
    limit<&SessionLimits::retain_available>(
        "retain_available", "", {},
        "Whether clients may publish retained messages. false: a client that publishes one is disconnected."),
    // Wildcard Subscription Available in CONNACK (5.0 section 3.2.2.3.11).
    limit<&SessionLimits::wildcard_subscriptions_available>(
        "wildcard_subscriptions_available", "", {},
        "Whether topic filters may contain + and #. false: such a subscription is refused."),
    // Shared Subscription Available in CONNACK (5.0 section 3.2.2.3.13).
    limit<&SessionLimits::shared_subscriptions_available>(
        "shared_subscriptions_available", "", {},
        "Whether clients may subscribe to $share/GROUP/FILTER. false: such a subscription is refused."),
    // Quota exceeded in SUBACK: 0x97 (5.0 section 3.9.3).
    limit<&SessionLimits::subscriptions_max>(
        "subscriptions_max", "subscriptions", {1, 10'000'000},
        "Subscriptions of one session. A further subscription is refused with quota exceeded. The default is enough "
        "for 5,000 devices with four topics each."),
    // The largest value is topic::levels_hard_max, up to which the code that matches topics works.
    limit<&SessionLimits::topic_levels_max>(
        "topic_levels_max", "levels", {1, 128},
        "Levels of a topic name or topic filter. A PUBLISH or a subscription with more levels is refused."),
    // The length of a text in MQTT has two bytes (5.0 section 1.5.4).
    limit<&SessionLimits::topic_bytes_max>(
        "topic_bytes_max", "bytes", {1, u16_max},
        "The longest topic name or topic filter in bytes. A PUBLISH or a subscription with a longer one is refused."),
    // Topic Alias Maximum in CONNACK (5.0 section 3.2.2.3.8), a number of two bytes.
    limit<&SessionLimits::topic_alias_max_in>(
        "topic_alias_max_in", "aliases", {0, u16_max},
        "Topic aliases that an MQTT 5 client may use in its PUBLISH packets; 0 = none. The client is told this value "
        "as Topic Alias Maximum."),
    // The client states its own maximum in CONNECT (5.0 section 3.1.2.11.5); the smaller number counts.
    limit<&SessionLimits::topic_alias_max_out>(
        "topic_alias_max_out", "aliases", {0, u16_max},
        "Topic aliases that the broker uses in PUBLISH packets to an MQTT 5 client; 0 = none. The client may allow "
        "fewer."),
    // Receive Maximum in CONNACK (5.0 section 3.2.2.3.3). The value 0 is a protocol error there.
    limit<&SessionLimits::receive_maximum>(
        "receive_maximum", "messages", {1, u16_max},
        "QoS 1 and 2 messages that a client may have in flight towards the broker. A value below 65535 is told to "
        "MQTT 5 clients as Receive Maximum, and a client that exceeds it is disconnected (0x93). Many clients exceed "
        "it, others wait for seconds when it is reached. With the default value, a client that sends too fast is "
        "read more slowly instead."),
    // The client states its Receive Maximum in CONNECT (5.0 section 3.1.2.11.3).
    limit<&SessionLimits::inflight_max>(
        "inflight_max", "messages", {1, session::inflight_ceiling},
        "QoS 1 and 2 messages in flight towards one client; further messages wait in its queue. An MQTT 5 client may "
        "ask for fewer with Receive Maximum."),
    // Two kinds of queues: in memory for sessions that no store keeps, and in the store for the others.
    limit<&SessionLimits::queue_messages_max>(
        "queue_messages_max", "messages", {0, u32_max},
        "QoS 1 and 2 messages that wait in memory, behind those in flight, for one session that is not in a store; 0 "
        "= none may wait (not: unlimited). Without store.path no session is in a store; with store.path, only "
        "sessions that end with their connection are not. When the queue is full, overflow says what happens to the "
        "next message."),
    limit<&SessionLimits::queue_bytes_max>(
        "queue_bytes_max", "bytes", {0, tib},
        "Bytes of the messages that wait in memory for one session that is not in a store; 0 = none may wait. The "
        "smaller of this limit and queue_messages_max counts."),
    limit<&SessionLimits::queue_stored_messages_max>(
        "queue_stored_messages_max", "messages", {0, u32_max},
        "QoS 1 and 2 messages that wait in the store for one session that outlives its connection; 0 = none may wait "
        "(not: unlimited). When the queue is full, overflow says what happens to the next message. Without "
        "store.path this key has no effect."),
    limit<&SessionLimits::queue_stored_bytes_max>(
        "queue_stored_bytes_max", "bytes", {0, tib},
        "Bytes of the messages that wait in the store for one session that outlives its connection; 0 = none may "
        "wait. The smaller of this limit and queue_stored_messages_max counts."),
    // The part of a stored queue that is in memory, so that a long queue costs disk and not memory.
    limit<&SessionLimits::queue_window_messages>(
        "queue_window_messages", "messages", {1, 100'000},
        "Messages of one session's queue in the store that are in memory too; the others are in the store only. "
        "Without store.path this key has no effect."),
    limit<&SessionLimits::queue_window_bytes>(
        "queue_window_bytes", "bytes", {1024, u32_max},
        "Bytes of the messages of one session's queue in the store that are in memory too. The smaller of this limit "
        "and queue_window_messages counts."),
    // Quota exceeded is the reason code 0x97 (5.0 section 2.4).
    limit<&SessionLimits::overflow>(
        "overflow", "", {},
        "What happens to a QoS 1 or 2 message when a session's queue is full. drop_oldest: the oldest message of the "
        "queue is dropped, and the new one is queued. drop_newest: the new message is dropped. refuse: no session "
        "gets the message, and its publisher is told quota exceeded; an MQTT 3 publisher, which cannot be told, is "
        "disconnected if the session with the full queue is not connected. spill: as drop_newest, except for a "
        "connected client whose session ends with its connection. For such a client, durable and relaxed messages "
        "for which its queue in memory has no room wait in the store. When the store has no room either, the client "
        "is disconnected, so that it notices the gap."),
    limit<&SessionLimits::queue_qos0_offline>(
        "queue_qos0_offline", "", {},
        "Whether QoS 0 messages are queued for sessions that are not connected. false: they are dropped."),
    // checks.cpp refuses a configuration in which the first of these two limits is above the second.
    limit<&SessionLimits::outbox_bytes_max>(
        "outbox_bytes_max", "bytes", {4096, tib},
        "Unsent bytes for one client. Above this limit the client reads too slowly: QoS 0 messages to it are "
        "dropped, and QoS 1 and 2 messages wait in its queue."),
    limit<&SessionLimits::outbox_bytes_fatal>(
        "outbox_bytes_fatal", "bytes", {4096, tib},
        "Unsent bytes for one client. Above this limit the client does not read at all and is disconnected. The "
        "value must not be below outbox_bytes_max."),
    // Session Expiry Interval (5.0 section 3.1.2.11.2): 0xFFFFFFFF means that the session does not expire.
    limit<&SessionLimits::session_expiry_max_s>(
        "session_expiry_max_s", "s", {0, u32_max},
        "Seconds for which the session of a disconnected MQTT 5 client is kept at most; 0 = the session ends with "
        "the connection, 4294967295 = for ever. A client that asks for longer is told this value."),
    // MQTT 3.1.1 has no expiry: a client with Clean Session 0 would leave its session behind for ever.
    limit<&SessionLimits::session_expiry_v3_s>(
        "session_expiry_v3_s", "s", {0, u32_max},
        "Seconds for which the session of a disconnected MQTT 3 client is kept, if the client has asked for a "
        "persistent session; 0 = the session ends with the connection, 4294967295 = for ever."),
};

}  // namespace

std::span<const Option> limit_options() { return limit_rows; }

}  // namespace ledge::config
