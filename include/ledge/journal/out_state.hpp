// OutState: how far an outbound QoS 1 or QoS 2 exchange has come. The table shows the state after each acknowledgement
// of the client.
#pragma once

#include <cstdint>

namespace ledge::journal {

//            PUBACK        PUBREC ok      PUBREC error   PUBCOMP
// sent_qos1  done          protocol error protocol error protocol error
// sent_qos2  protocol err. released       done           protocol error
// released   protocol err. PUBREL again   PUBREL again   done
// (unknown)  ignored       PUBREL 0x92    ignored        ignored
enum class OutState : std::uint8_t {
    done,       // the exchange is finished (out of order), or the packet id was never used; in a queued record: the
                // message waits and was not sent yet
    sent_qos1,  // PUBLISH sent, PUBACK awaited
    sent_qos2,  // PUBLISH sent, PUBREC awaited
    released,   // PUBREL sent, PUBCOMP awaited
};

}  // namespace ledge::journal
