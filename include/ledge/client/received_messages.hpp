// ReceivedMessages: inbound messages of QoS 1 and 2 from PUBLISH to their last acknowledgement, in Flow::kept. The
// application answers in any order; PUBACK and PUBREC leave in the order of their PUBLISH packets [MQTT-4.6.0-2]
// [MQTT-4.6.0-3]. The ids of QoS 2 are session state and survive the connection, so that each message is handed over
// once [MQTT-4.3.3-10]. At most 65,535 ids, 4 bytes each, and two sets of 8 KiB.
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
        fresh,     // to be handed over
        repeated,  // the application has it already
        in_use,    // the id belongs to another exchange
    };
    /// PUBLISH of QoS 1 or 2. `is_open`: this connection has brought an unfinished PUBLISH with this id already.
    Arrival on_publish(wire::PacketId id, wire::QoS qos, bool is_open);

    /// The application answers. False: nothing with this id waits for an answer.
    bool answer(wire::PacketId id, wire::ReasonCode code);
    /// The next PUBACK or PUBREC whose turn it is.
    std::optional<wire::Ack> next_answer();

    enum class Release : std::uint8_t {
        done,        // PUBCOMP with success
        unknown,     // PUBCOMP with 0x92
        unanswered,  // PUBREL although PUBREC was not sent
    };
    Release on_pubrel(wire::PacketId id);

    /// The connection has ended. PUBLISH packets that were not answered come again; what is QoS 2 is remembered.
    void end_connection();
    /// The session is gone.
    void clear();

private:
    struct Unanswered {
        wire::PacketId id = 0;
        bool is_answered = false;
        wire::ReasonCode code = wire::ReasonCode::success;
    };
    static Unanswered* find(Ring<Unanswered>& queue, wire::PacketId id);

    Ring<Unanswered> qos1_;  // in the order of PUBLISH, on this connection
    Ring<Unanswered> qos2_;
    PacketIdSet handed_over_;  // QoS 2, until PUBREL
    PacketIdSet answered_;     // of those: the application has accepted the message
};

}  // namespace ledge::client
