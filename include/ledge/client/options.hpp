// What a client is built with: plain values. The application fills them; nothing here changes by itself.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ledge/base/time.hpp"
#include "ledge/wire/properties.hpp"
#include "ledge/wire/types.hpp"

namespace ledge::client {

/// Who keeps the state of QoS 1 and QoS 2 exchanges.
enum class Flow : std::uint8_t {
    kept,       // The client: it chooses packet ids, repeats messages on resume and finishes exchanges by itself.
    passed_on,  // The application (a relay): every PUBLISH and every acknowledgement is handed over with its packet id,
                // in both directions, and the client only watches the rules of the connection.
};

/// What the client holds at most. Reaching a limit has the outcome that its comment says.
struct Limits {
    std::size_t outbox_bytes_max = 256 * 1024;  // Unsent bytes. At the limit a QoS 0 publish() is refused, messages of
                                                // QoS 1 and 2 wait, and wants_input() is false.
    std::size_t outbox_bytes_fatal = 1024 * 1024;  // Unsent bytes, answers included. Above it the connection ends.
    std::size_t held_messages_max = 1000;          // Messages of QoS 1 and 2 that are not finished (Flow::kept). At the
    std::size_t held_bytes_max = 1024 * 1024;      // limit, or at this one in bytes, publish() is refused.
    std::uint16_t inflight_max = 100;              // Outbound QoS 1 and 2 exchanges on a connection (Flow::kept). A
                                                   // smaller Receive Maximum of the server goes first; the rest waits.
    std::size_t requests_max = 100;                // SUBSCRIBE and UNSUBSCRIBE packets without an answer. Then refused.
};

struct WillOptions {
    std::string topic;
    std::string payload;
    wire::QoS qos = wire::QoS::at_most_once;
    bool retain = false;
    wire::PropertyBuilder properties;  // MQTT 5 only
};

struct Options {
    wire::Version version = wire::Version::v5;
    std::string client_id;  // Empty: the server assigns one, which later connections use too (MQTT 5).
    Flow flow = Flow::kept;
    std::uint16_t keep_alive_s = 60;  // 0 = no keep alive. The server may demand another value (MQTT 5).
    std::optional<std::string> user_name;
    std::optional<std::string> password;
    std::optional<WillOptions> will;
    bool is_bridge = false;  // 3.x: sets the high bit of the protocol level. Some servers then send no echo of own
                             // messages and leave RETAIN as published; others refuse the connection.

    // Properties of CONNECT, MQTT 5 only.
    std::uint32_t session_expiry_s = 0;      // 0 = the session ends with the connection; 0xFFFFFFFF = never.
    std::uint16_t receive_maximum = 65'535;  // Inbound QoS 1 and 2 messages that are not acknowledged yet.
    std::uint16_t topic_alias_maximum = 0;   // Aliases that the server may use; each keeps a topic in memory.
    bool request_problem_information = true;
    bool request_response_information = false;
    std::string authentication_method;  // Empty = no enhanced authentication.
    std::string authentication_data;
    std::vector<std::pair<std::string, std::string>> user_properties;

    /// Bytes of a whole packet from the server; a larger one ends the connection. MQTT 5 servers are told.
    std::uint32_t maximum_packet_size = 1024 * 1024;
    std::uint16_t topic_alias_maximum_out = 16;  // Aliases that the client uses, if the server allows as many.
    /// Flow::kept. True: the server may have a session of an earlier life of this client, of which nothing is known
    /// here. False: such a session is a violation [MQTT-3.2.2-4].
    bool accepts_unknown_session = false;
    /// Some servers deliver topic names with wildcards, which [MQTT-3.3.2-2] forbids. True: such a message is
    /// acknowledged and told as Dropped, so that it does not come back for ever. False: it is a violation.
    bool drops_wildcard_topics = false;
    /// Flow::kept. The server has lost the session. True: messages that it has not acknowledged are sent to the new
    /// session as new ones. False: they are given up, each with a PublishDone.
    bool republishes_lost = true;

    Duration connack_timeout = 30s;   // From the last byte received to CONNACK, the exchange of AUTH included.
    Duration response_timeout = 10s;  // From PINGREQ to the next byte received. At the end of a connection: from the
                                      // last byte to the moment when output that the server does not take is dropped.
    Limits limits;
};

}  // namespace ledge::client
