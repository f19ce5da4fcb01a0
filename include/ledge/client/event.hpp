// Event: the news from a client to its application. on_bytes() and on_time() return one event at a time. Views in an
// event borrow the input or the client, and are valid until the next call of a member function of the client.
#pragma once

#include <string_view>
#include <variant>

#include "ledge/base/time.hpp"
#include "ledge/client/fault.hpp"
#include "ledge/client/server_limits.hpp"
#include "ledge/wire/packets.hpp"

namespace ledge::client {

/// Nothing has happened, and the input is used up.
using Nothing = std::monostate;

/// CONNACK with success was received. The connection is up.
struct Connected {
    bool session_present = false;
    ServerLimits limits;
    wire::Properties properties;  // of CONNACK
};

/// A PUBLISH from the server. A topic alias has been replaced by its topic, and its property has been removed.
///   Flow::kept: messages of QoS 1 and 2 wait for acknowledge(packet_id). A repeated QoS 2 message is no new event.
///   Flow::passed_on: every PUBLISH is an event, repetitions included.
struct Message {
    wire::Publish packet;
};

/// Only with Options::drops_wildcard_topics. A message was acknowledged and dropped, because its topic has a wildcard.
struct Dropped {
    std::string_view topic;  // as received; may be invalid UTF-8
};

/// Flow::kept. The exchange of a message of publish() has ended; its packet id is free again.
struct PublishDone {
    enum class How : std::uint8_t {
        answered,      // `code` comes from PUBACK, or from a PUBREC that refuses; success for PUBCOMP
        not_sent,      // the message was not sent, because CONNACK does not allow it; `code` says why
        session_lost,  // the server had received the message of QoS 2, and has lost the session since then
        given_up,      // the server has lost the session, and Options::republishes_lost is false
    };
    wire::PacketId packet_id = 0;
    wire::ReasonCode code = wire::ReasonCode::success;
    How how = How::answered;
};

/// Flow::passed_on. PUBACK, PUBREC, PUBREL or PUBCOMP was received.
struct AckPassedOn {
    wire::Ack packet;
};

/// SUBACK or UNSUBACK was received. `packet.codes` has one code for each filter; before MQTT 5, an UNSUBACK has none.
struct RequestDone {
    wire::Suback packet;
};

/// AUTH was received. continue_authentication: answer with send_auth(). success: a re-authentication has ended.
struct AuthStep {
    wire::ReasonCode code = wire::ReasonCode::continue_authentication;
    std::string_view data;
    wire::Properties properties;
};

/// PINGRESP was received.
struct Pong {
    Instant sent_at{};  // when the oldest unanswered PINGREQ was sent
};

/// The client ends the connection. Send the rest of output(), close the transport, then call closed().
struct Ended {
    enum class Cause : std::uint8_t {
        refused,       // CONNACK with an error code
        disconnected,  // DISCONNECT from the server
        violation,     // the server has broken the rule that `fault` names (for Fault::undecodable: `rule`)
        no_answer,     // no CONNACK or no PINGRESP in time
        overload,      // Limits::outbox_bytes_fatal is exceeded: the transport does not send the output
    };
    Cause cause = Cause::violation;
    wire::ReasonCode code = wire::ReasonCode::success;  // the code from the server, or the code for the server
    Fault fault = Fault::none;
    wire::Rule rule = wire::Rule::none;
    std::string_view text;        // for logs: the rule with its clause, or the name of the code
    wire::Properties properties;  // of CONNACK or DISCONNECT
};

using Event =
    std::variant<Nothing, Connected, Message, Dropped, PublishDone, AckPassedOn, RequestDone, AuthStep, Pong, Ended>;

inline bool is_nothing(const Event& event) { return std::holds_alternative<Nothing>(event); }

}  // namespace ledge::client
