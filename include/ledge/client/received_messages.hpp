// ReceivedMessages: the inbound messages of QoS 1 and 2, from PUBLISH to their last acknowledgement. Used in
// Flow::kept, owned by Client. The application answers in any order, but PUBACK and PUBREC are sent in the order of
// their PUBLISH packets [MQTT-4.6.0-2] [MQTT-4.6.0-3]. The ids of QoS 2 are session state and outlive the connection,
// so that each message is handed over once [MQTT-4.3.3-10]. Memory: at most 65,535 ids of 4 bytes, and two sets of 8
// KiB.
#pragma once

#include <cstdint>
#include <optional>

#include "ledge/base/ring.hpp"
#include "ledge/client/packet_id_set.hpp"
#include "ledge/wire/packets.hpp"

namespace ledge::client {

class ReceivedMessages {
public:
    enum class Arrival : std::uint8_t {
        fresh,     // a new message, to be handed to the application
        repeated,  // a repetition; the application has the message already
        in_use,    // the id belongs to another exchange
    };
    /// A PUBLISH of QoS 1 or 2 was received. `is_open`: an exchange with this id is open on this connection.
    Arrival on_publish(wire::PacketId id, wire::QoS qos, bool is_open);

    /// The application answers a message. False: no message with this id waits for an answer.
    bool answer(wire::PacketId id, wire::ReasonCode code);
    /// The next PUBACK or PUBREC that may be sent; nullopt: none.
    std::optional<wire::Ack> next_answer();

    enum class Release : std::uint8_t {
        done,        // the exchange is finished: answer PUBCOMP with success
        unknown,     // no exchange has this id: answer PUBCOMP with 0x92
        unanswered,  // a violation: PUBREL came before PUBREC was sent
    };
    Release on_pubrel(wire::PacketId id);

    /// The connection has ended. The server will repeat unanswered PUBLISH packets. The ids of QoS 2 are remembered.
    void end_connection();
    /// The session is gone: forgets everything.
    void clear();

private:
    struct Unanswered {
        wire::PacketId id = 0;
        bool is_answered = false;
        wire::ReasonCode code = wire::ReasonCode::success;
    };
    static Unanswered* find(Ring<Unanswered>& queue, wire::PacketId id);

    Ring<Unanswered> qos1_;  // unanswered messages of this connection, in the order of PUBLISH
    Ring<Unanswered> qos2_;
    PacketIdSet handed_over_;  // QoS 2: from PUBLISH to PUBREL
    PacketIdSet answered_;     // QoS 2: the part of handed_over_ that the application has accepted
};

}  // namespace ledge::client
