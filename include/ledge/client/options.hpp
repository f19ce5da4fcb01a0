// The options of a client: plain values. The application fills them; the client does not change them.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "ledge/base/boxed.hpp"
#include "ledge/base/time.hpp"
#include "ledge/wire/properties.hpp"
#include "ledge/wire/types.hpp"

namespace ledge::client {

/// The side that keeps the state of QoS 1 and QoS 2 exchanges.
enum class Flow : std::uint8_t {
    kept,       // The client keeps it. It chooses packet ids, repeats messages on resume and finishes exchanges itself.
    passed_on,  // The application (a relay) keeps it. Every PUBLISH and every acknowledgement is handed over with its
                // packet id, in both directions. The client only checks the rules of the connection.
};

/// Limits of what the client holds. The comment of a limit says what happens when the limit is reached.
struct Limits {
    std::size_t outbox_bytes_max = 256 * 1024;  // Unsent bytes. At the limit a QoS 0 publish() is refused, messages of
                                                // QoS 1 and 2 wait, and wants_input() is false.
    std::size_t outbox_bytes_fatal = 1024 * 1024;  // Unsent bytes, answers included. Above it the connection ends.
    std::size_t held_messages_max = 1000;          // Unfinished messages of QoS 1 and 2 (Flow::kept). At the limit,
                                                   // publish() is refused.
    std::size_t held_bytes_max = 1024 * 1024;      // Bytes of these messages. At the limit, publish() is refused.
    std::uint16_t inflight_max = 100;  // Outbound QoS 1 and 2 exchanges on one connection (Flow::kept). A smaller
                                       // Receive Maximum of the server counts instead. Further messages wait.
    std::size_t requests_max = 100;    // SUBSCRIBE and UNSUBSCRIBE packets without an answer. Further requests
                                       // are refused.
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
    std::string client_id;  // "" = the server assigns an id, which later connections use too (MQTT 5).
    Flow flow = Flow::kept;
    std::uint16_t keep_alive_s = 60;  // 0 = no keep alive. The server may demand another value (MQTT 5).
    Boxed<std::string> user_name;
    Boxed<std::string> password;
    Boxed<WillOptions> will;
    bool is_bridge = false;  // 3.x: sets the high bit of the protocol level. Some servers then do not send the client's
                             // own messages back and keep RETAIN as published. Others refuse the connection.

    // Properties of CONNECT, MQTT 5 only.
    std::uint32_t session_expiry_s = 0;      // 0 = the session ends with the connection; 0xFFFFFFFF = never.
    std::uint16_t receive_maximum = 65'535;  // Inbound QoS 1 and 2 messages that are not acknowledged yet.
    std::uint16_t topic_alias_maximum = 0;   // Aliases that the server may use; each keeps one topic in memory.
    bool request_problem_information = true;
    bool request_response_information = false;
    Boxed<std::string> authentication_method;  // without a value: no enhanced authentication
    Boxed<std::string> authentication_data;
    std::vector<std::pair<std::string, std::string>> user_properties;

    /// Bytes of a whole packet from the server. A larger packet ends the connection. CONNECT tells MQTT 5 servers the
    /// value.
    std::uint32_t maximum_packet_size = 1024 * 1024;
    std::uint16_t topic_alias_maximum_out = 16;  // Aliases that the client uses, if the server allows as many.
    /// Flow::kept. True: the server may have a session from before this object existed, whose state is not known here.
    /// False: such a session is a violation [MQTT-3.2.2-4].
    bool accepts_unknown_session = false;
    /// Some servers deliver topic names with wildcards, which [MQTT-3.3.2-2] forbids. True: such a message is
    /// acknowledged, so that the server does not repeat it for ever, and the event is Dropped. False: such a message
    /// is a violation.
    bool drops_wildcard_topics = false;
    /// Flow::kept. For unacknowledged messages when the server has lost the session. True: they are sent again as new
    /// messages of the new session. False: they are given up, each with the event PublishDone.
    bool republishes_lost = true;

    Duration connack_timeout = 30s;  // Silence of the server before CONNACK, also during the exchange of AUTH.
    Duration response_timeout =
        10s;  // From PINGREQ to the next byte received. At the end of a connection: from the last
              // byte sent or received until output that the server does not read is dropped.
    Limits limits;
};

}  // namespace ledge::client
