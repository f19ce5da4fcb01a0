// What the sources of the client share; firmware never includes it.
//
//   fwb_client.c   the calls of the firmware, the timer, the requests that the device sends
//   fwb_input.c    the packets that arrive
#ifndef FWB_STATE_H
#define FWB_STATE_H

#include "fwb.h"

enum fwb_type {
    FWB_ADVERTISE = 0x00,
    FWB_SEARCHGW = 0x01,
    FWB_GWINFO = 0x02,
    FWB_CONNECT = 0x04,
    FWB_CONNACK = 0x05,
    FWB_WILLTOPICREQ = 0x06,
    FWB_WILLTOPIC = 0x07,
    FWB_WILLMSGREQ = 0x08,
    FWB_WILLMSG = 0x09,
    FWB_REGISTER = 0x0A,
    FWB_REGACK = 0x0B,
    FWB_PUBLISH = 0x0C,
    FWB_PUBACK = 0x0D,
    FWB_PUBCOMP = 0x0E,
    FWB_PUBREC = 0x0F,
    FWB_PUBREL = 0x10,
    FWB_SUBSCRIBE = 0x12,
    FWB_SUBACK = 0x13,
    FWB_UNSUBSCRIBE = 0x14,
    FWB_UNSUBACK = 0x15,
    FWB_PINGREQ = 0x16,
    FWB_PINGRESP = 0x17,
    FWB_DISCONNECT = 0x18,
    FWB_WILLTOPICUPD = 0x1A,
    FWB_WILLTOPICRESP = 0x1B,
    FWB_WILLMSGUPD = 0x1C,
    FWB_WILLMSGRESP = 0x1D
};

// The states. Each one but READY, ASLEEP and CLOSED has one request that is repeated until its answer comes.
//
//   state       request                      answer              then
//   CLOSED      none                                             fwb_open
//   SEARCHING   SEARCHGW, for ever           GWINFO, ADVERTISE   CONNECTING
//   CONNECTING  CONNECT, for ever            CONNACK             SETUP
//   SETUP       REGISTER, SUBSCRIBE, ..      its acknowledgement the next topic; READY behind the last one
//   READY       PUBLISH, PUBREL or PINGREQ   theirs              READY
//   RETIRING    DISCONNECT with a duration   DISCONNECT          ASLEEP
//   ASLEEP      none                                             AWAKE by the timer or fwb_check_mail
//   AWAKE       PINGREQ with the client id   PINGRESP            ASLEEP
//   CLOSING     DISCONNECT                   DISCONNECT          CLOSED
//
// No answer after all retries, or DISCONNECT from the gateway where it answers nothing: CONNECTING. So no state can
// last for ever without a packet being sent, and every way back leads through CONNECTING.
enum fwb_state {
    STATE_CLOSED,
    STATE_SEARCHING,
    STATE_CONNECTING,
    STATE_SETUP,
    STATE_READY,
    STATE_RETIRING,
    STATE_ASLEEP,
    STATE_AWAKE,
    STATE_CLOSING
};

// The message in flight.
enum fwb_phase {
    PHASE_EMPTY,
    PHASE_NEW,      // not sent yet
    PHASE_SENT,     // PUBLISH sent, PUBACK or PUBREC awaited
    PHASE_RELEASED  // QoS 2: PUBREC came, PUBREL sent, PUBCOMP awaited
};

#define MARK_ANNOUNCED 0x01  // the firmware knows that the connection is ready
#define MARK_AGAIN 0x02      // the topics were registered once more, because the gateway did not know one
#define MARK_KEEP 0x04       // the device wakes: CONNECT without CleanSession, which would drop the mail
#define MARK_WILL 0x08       // SETUP sends the new will only

#define FLAG_WILL 0x08  // of CONNECT
#define QOS_BITS 0x60
#define KIND_BITS 0x03

static inline uint16_t fwb_u16(const uint8_t* p) { return (uint16_t)((unsigned)p[0] << 8 | p[1]); }

static inline void fwb_set_u16(uint8_t* p, unsigned value) {
    p[0] = (uint8_t)(value >> 8);
    p[1] = (uint8_t)value;
}

// Sends a packet. Its fields behind length and type stand in c->head already; `body` follows them.
void fwb_put(fwb* c, unsigned type, unsigned head_bytes, const void* body, unsigned body_bytes);
void fwb_put_head(fwb* c, unsigned type, unsigned head_bytes);
// Sends the topic of the will (WILLTOPIC, WILLTOPICUPD) or its message (WILLMSG, WILLMSGUPD).
void fwb_put_will(fwb* c, unsigned type);
void fwb_tell(const fwb* c, unsigned event, unsigned argument);

// Starts the timer: the pause of the retries, doubled some times, with jitter.
void fwb_wait(fwb* c, unsigned doublings, uint32_t now_ms);
#define FWB_DOUBLINGS_MAX 3
// Random number below the range, which is at most 2^24.
uint32_t fwb_jitter(fwb* c, uint32_t range);

// Enters a state; its request is due now.
void fwb_enter(fwb* c, unsigned state, uint32_t now_ms);
// Nothing is unanswered: the timer runs until the next ping, or until the device wakes.
void fwb_rest(fwb* c, uint32_t now_ms);
void fwb_begin_setup(fwb* c, uint32_t now_ms);
void fwb_next_step(fwb* c, uint32_t now_ms);
// The answer to this step has come. `topic_id` is NULL for the answers that have none.
void fwb_step_answer(fwb* c, unsigned code, const uint8_t* topic_id, uint32_t now_ms);
// Type of the request of this step of SETUP, or 0 for a topic without one.
unsigned fwb_step_type(const fwb* c);
void fwb_lost(fwb* c, uint32_t now_ms);
void fwb_fall_asleep(fwb* c, uint32_t now_ms);
void fwb_closed(fwb* c);
// The message in flight has reached its end, which `event` tells.
void fwb_end_flight(fwb* c, unsigned event, uint32_t now_ms);

#endif
