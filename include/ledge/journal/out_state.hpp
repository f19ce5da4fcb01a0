// How far an outbound QoS 1/2 exchange has come. The table says what an acknowledgement of the client does to it.
#pragma once

#include <cstdint>

namespace ledge::journal {

//            PUBACK        PUBREC ok      PUBREC error   PUBCOMP
// sent_qos1  done          protocol error protocol error protocol error
// sent_qos2  protocol err. released       done           protocol error
// released   protocol err. PUBREL again   PUBREL again   done
// (unknown)  ignored       PUBREL 0x92    ignored        ignored
enum class OutState : std::uint8_t {
    done,       // a hole: acknowledged out of order, or never used; of a queued record: waiting
    sent_qos1,  // PUBLISH sent, PUBACK awaited
    sent_qos2,  // PUBLISH sent, PUBREC awaited
    released,   // PUBREL sent, PUBCOMP awaited
};

}  // namespace ledge::journal
