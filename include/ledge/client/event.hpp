// Event: what a client tells its application. on_bytes() and on_time() return one at a time. Views in an event borrow
// the input or the client and are valid until the next call of a member of the client.
#pragma once

#include <string_view>
#include <variant>

#include "ledge/client/fault.hpp"
#include "ledge/client/server_limits.hpp"
#include "ledge/wire/packets.hpp"

namespace ledge::client {

/// The input is used up and nothing has happened.
using Nothing = std::monostate;

/// CONNACK with success. The connection is up.
struct Connected {
    bool session_present = false;
    ServerLimits limits;
    wire::Properties properties;  // of CONNACK
};

/// A PUBLISH from the server. Aliases are resolved; their property is taken out.
///   Flow::kept: QoS 1 and 2 wait for acknowledge(packet_id); a repetition of QoS 2 is not told again.
///   Flow::passed_on: every PUBLISH is told, repetitions included.
struct Message {
    wire::Publish packet;
};

/// Options::drops_wildcard_topics. A message that was acknowledged and dropped.
struct Dropped {
    std::string_view topic;  // as it came: not checked to be UTF-8
};

/// Flow::kept. A message of publish() has come to its end; its packet id is free again.
struct PublishDone {
    enum class How : std::uint8_t {
        answered,      // `code` is the server's, from PUBACK or a PUBREC that refuses; success for PUBCOMP
        not_sent,      // the server does not allow such messages; `code` says why. It was not sent.
        session_lost,  // the server had received the message of QoS 2 and has lost the session since
        given_up,      // the server has lost the session, and Options::republishes_lost is false
    };
    wire::PacketId packet_id = 0;
    wire::ReasonCode code = wire::ReasonCode::success;
    How how = How::answered;
};

/// Flow::passed_on. PUBACK, PUBREC, PUBREL or PUBCOMP of the server.
struct AckPassedOn {
    wire::Ack packet;
};

/// SUBACK or UNSUBACK. `packet.codes` has one code for each filter; it is empty for an UNSUBACK before MQTT 5.
struct RequestDone {
    wire::Suback packet;
};

/// AUTH of the server. continue_authentication: answer with send_auth(). success: a re-authentication has ended.
struct AuthStep {
    wire::ReasonCode code = wire::ReasonCode::continue_authentication;
    std::string_view data;
    wire::Properties properties;
};

struct Pong {};

/// The connection is over for the client. Send what output() still has, close the transport, then call closed().
struct Ended {
    enum class Cause : std::uint8_t {
        refused,       // CONNACK with an error
        disconnected,  // DISCONNECT of the server
        violation,     // the server has broken the rule that `fault` (and for undecodable `rule`) names
        no_answer,     // no CONNACK or no PINGRESP in time
        overload,      // Limits::outbox_bytes_fatal: the transport does not take what the client owes
    };
    Cause cause = Cause::violation;
    wire::ReasonCode code = wire::ReasonCode::success;  // from the server, or as the server is told
    Fault fault = Fault::none;
    wire::Rule rule = wire::Rule::none;
    std::string_view text;        // for logs: rule and clause, or the name of the code
    wire::Properties properties;  // of CONNACK or DISCONNECT
};

using Event =
    std::variant<Nothing, Connected, Message, Dropped, PublishDone, AckPassedOn, RequestDone, AuthStep, Pong, Ended>;

inline bool is_nothing(const Event& event) { return std::holds_alternative<Nothing>(event); }

}  // namespace ledge::client
