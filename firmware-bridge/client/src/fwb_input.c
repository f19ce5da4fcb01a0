// The packets that arrive. Whatever does not have the size of its type, does not belong to the state or does not name
// the message id that is awaited is ignored: a lost, late or doubled packet changes nothing.
#include "fwb_state.h"

// What the client knows about a type before it looks into the packet.
#define SIZE_BITS 0x0F  // of the packet with its two bytes of header; 0 = no device receives the type
#define AT_LEAST 0x10   // the size is a minimum
#define CODE 0x20       // the last byte is a return code
#define ID_SHIFT 6      // where the message id stands: 0 = nowhere, 1 = byte 2, 2 = byte 4, 3 = byte 5
#define ID_AT_2 (1 << ID_SHIFT)
#define ID_AT_4 (2 << ID_SHIFT)
#define ID_AT_5 (3 << ID_SHIFT)

#define IN(state) (1 << (STATE_##state - 1))
#define RECEIVING (IN(SETUP) | IN(READY) | IN(RETIRING) | IN(AWAKE) | IN(CLOSING))

// The number of the topic stands in front of the message id, in packets that have one.
static const uint8_t topic_id_places[4] = {0, 0, 2, 3};

typedef struct shape {
    uint8_t form;
    uint8_t states;  // in which the type is expected
} shape;

static const shape shapes[FWB_WILLMSGRESP + 1] = {
    [FWB_ADVERTISE] = {5, IN(SEARCHING) | IN(CONNECTING) | IN(READY)},
    [FWB_GWINFO] = {3, IN(SEARCHING)},  // without an address: the gateway itself has answered
    [FWB_CONNACK] = {3 | CODE, IN(CONNECTING)},
    [FWB_WILLTOPICREQ] = {2, IN(CONNECTING)},
    [FWB_WILLMSGREQ] = {2, IN(CONNECTING)},
    [FWB_REGISTER] = {7 | AT_LEAST | ID_AT_4, RECEIVING},
    [FWB_REGACK] = {7 | CODE | ID_AT_4, IN(SETUP)},
    [FWB_PUBLISH] = {7 | AT_LEAST | ID_AT_5, RECEIVING},
    [FWB_PUBACK] = {7 | CODE | ID_AT_4, IN(READY)},
    [FWB_PUBCOMP] = {4 | ID_AT_2, IN(READY)},
    [FWB_PUBREC] = {4 | ID_AT_2, IN(READY)},
    [FWB_PUBREL] = {4 | ID_AT_2, RECEIVING},
    [FWB_SUBACK] = {8 | CODE | ID_AT_5, IN(SETUP)},
    [FWB_UNSUBACK] = {4 | ID_AT_2, IN(SETUP)},
    [FWB_PINGREQ] = {2 | AT_LEAST, RECEIVING},
    [FWB_PINGRESP] = {2, IN(READY) | IN(AWAKE)},
    [FWB_DISCONNECT] = {2 | AT_LEAST, RECEIVING},  // not asleep: a second answer to the DISCONNECT of before
    [FWB_WILLTOPICRESP] = {3 | CODE, IN(SETUP)},
    [FWB_WILLMSGRESP] = {3 | CODE, IN(SETUP)},
};

// ---------------------------------------------------------------------------------------------------------------------
// Discovery and connection

static void on_gateway(fwb* c, unsigned gateway, uint32_t now_ms) {
    fwb_tell(c, FWB_GATEWAY, gateway);  // first, so that the firmware knows the address that CONNECT goes to
    if (c->state == STATE_SEARCHING) fwb_enter(c, STATE_CONNECTING, now_ms);
}

// A gateway that advertises has perhaps restarted: find out soon, but not together with all other devices.
static void on_advertise(fwb* c, uint32_t now_ms) {
    const uint32_t soon_ms = fwb_jitter(c, c->config->retry_ms / 4U);
    if (c->due_ms - now_ms > soon_ms) c->due_ms = now_ms + soon_ms;
}

static void on_connack(fwb* c, unsigned code, uint32_t now_ms) {
    if (code != FWB_ACCEPTED) {
        fwb_wait(c, FWB_DOUBLINGS_MAX, now_ms);
        fwb_tell(c, FWB_REJECTED, FWB_NO_TOPIC);
        return;
    }
    c->connected_ms = now_ms;
    // The gateway has dropped the old session: its message ids mean nothing any more.
    if ((c->config->flags & FWB_CLEAN) && !(c->marks & MARK_KEEP)) c->received_id = 0;
    fwb_begin_setup(c, now_ms);
}

static void on_disconnect(fwb* c, uint32_t now_ms) {
    if (FWB_WITH_SLEEP && c->state == STATE_RETIRING) {
        fwb_fall_asleep(c, now_ms);
    } else if (c->state == STATE_CLOSING) {
        fwb_closed(c);
    } else {
        fwb_lost(c, now_ms);  // the gateway does not know this device any more
    }
}

static void on_pingresp(fwb* c, uint32_t now_ms) {
    if (FWB_WITH_SLEEP && c->state == STATE_AWAKE) {
        fwb_fall_asleep(c, now_ms);
    } else if (c->phase == PHASE_EMPTY) {
        c->marks &= (uint8_t)~MARK_AGAIN;
        fwb_rest(c, now_ms);
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Answers to requests

static void on_puback(fwb* c, unsigned code, uint32_t now_ms) {
    if (code == FWB_INVALID_TOPIC && !(c->marks & MARK_AGAIN)) {
        // Also for a message of QoS 0, which is acknowledged in this case only: that one is lost, the next one arrives.
        c->marks |= MARK_AGAIN;
        fwb_begin_setup(c, now_ms);
    } else if (c->phase == PHASE_SENT && (code != FWB_ACCEPTED || !(c->flags & FWB_QOS2))) {
        fwb_end_flight(c, code != FWB_ACCEPTED ? FWB_REJECTED : FWB_DELIVERED, now_ms);
    }
}

static void on_pubrec_or_pubcomp(fwb* c, unsigned type, uint32_t now_ms) {
    if (type == FWB_PUBREC && c->phase == PHASE_SENT && (c->flags & FWB_QOS2)) {
        c->phase = PHASE_RELEASED;
        fwb_enter(c, STATE_READY, now_ms);
    } else if (type == FWB_PUBCOMP && c->phase == PHASE_RELEASED) {
        fwb_end_flight(c, FWB_DELIVERED, now_ms);
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Messages to the device

// PUBREC and PUBCOMP: a message id, which the received packet has too.
static void answer_id(fwb* c, unsigned type, unsigned id) {
    fwb_set_u16(c->head + 2, id);
    fwb_put_head(c, type, 4);
}

// REGACK and PUBACK: the number of the topic, a message id and a return code.
static void answer_code(fwb* c, unsigned type, unsigned topic_id, unsigned id, unsigned code) {
    fwb_set_u16(c->head + 2, topic_id);
    fwb_set_u16(c->head + 4, id);
    c->head[6] = (uint8_t)code;
    fwb_put_head(c, type, 7);
}

static unsigned find_subscription(const fwb* c, unsigned kind, unsigned id) {
    unsigned i;
    for (i = 0; i < c->config->topic_count; ++i) {
        const fwb_topic* topic = &c->config->topics[i];
        if (c->ids[i] == id && topic->use >= FWB_SUBSCRIBES && topic->kind == kind) return i;
    }
    return FWB_NO_TOPIC;
}

static void on_publish(fwb* c, const uint8_t* p, unsigned bytes, unsigned id) {
    const unsigned qos = p[2] & QOS_BITS;
    unsigned code = FWB_INVALID_TOPIC;
    fwb_message m;
    if (!FWB_WITH_QOS2 && qos == FWB_QOS2) return;  // never subscribed
    if (FWB_WITH_QOS2 && qos == FWB_QOS2 && id == c->received_id) {
        answer_id(c, FWB_PUBREC, id);  // received before, and PUBREC was lost
        return;
    }
    m.data = p + 7;
    m.bytes = (uint8_t)(bytes - 7);
    m.id = fwb_u16(p + 3);
    m.flags = p[2];
    m.topic = (uint8_t)find_subscription(c, p[2] & KIND_BITS, m.id);
    if (c->config->message && m.id != 0) code = c->config->message(c->io, &m);
    if (code != FWB_ACCEPTED || qos == FWB_QOS1) {
        answer_code(c, FWB_PUBACK, m.id, id, code);
    } else if (FWB_WITH_QOS2 && qos == FWB_QOS2) {
        c->received_id = (uint16_t)id;
        answer_id(c, FWB_PUBREC, id);
    }
}

static unsigned is_name(const char* name, const uint8_t* text, unsigned bytes) {
    unsigned i;
    for (i = 0; i < bytes; ++i) {
        if (name[i] == 0 || (uint8_t)name[i] != text[i]) return 0;
    }
    return name[bytes] == 0;
}

// The gateway gives a topic a number: one that a wildcard filter matches, or a topic of the table before its messages.
static void on_register(fwb* c, const uint8_t* p, unsigned bytes, unsigned message_id) {
    const uint16_t id = fwb_u16(p + 2);
    const unsigned name_bytes = bytes - 6;
    unsigned code = FWB_INVALID_TOPIC;
    if (id != 0) {
        unsigned is_ours = 0;
        unsigned i;
        for (i = 0; i < c->config->topic_count; ++i) {
            const fwb_topic* topic = &c->config->topics[i];
            if (topic->use < FWB_SUBSCRIBES || topic->kind != FWB_NAME) continue;
            if (c->ids[i] == id) c->ids[i] = 0;  // the number belongs to another topic now
            if (is_name(topic->name, p + 6, name_bytes)) {
                c->ids[i] = id;
                is_ours = 1;
            }
        }
        code = FWB_ACCEPTED;
        if (!is_ours && c->config->name) code = c->config->name(c->io, id, (const char*)p + 6, (uint8_t)name_bytes);
    }
    answer_code(c, FWB_REGACK, id, message_id, code);
}

static void on_pubrel(fwb* c, unsigned id) {
    if (id == c->received_id) c->received_id = 0;
    answer_id(c, FWB_PUBCOMP, id);  // also to a repetition
}

// ---------------------------------------------------------------------------------------------------------------------

static void on_packet(fwb* c, const uint8_t* p, unsigned bytes, unsigned id, unsigned code, uint32_t now_ms) {
    const unsigned type = p[1];
    switch (type) {
        case FWB_ADVERTISE:
        case FWB_GWINFO:
            c->attempts = 0;  // there is a gateway: CONNECT is worth an attempt
            if (FWB_WITH_SEARCH && c->state == STATE_SEARCHING) {
                on_gateway(c, p[2], now_ms);
            } else {
                on_advertise(c, now_ms);
            }
            break;
        case FWB_CONNACK: on_connack(c, code, now_ms); break;
        case FWB_WILLTOPICREQ:
        case FWB_WILLMSGREQ:
            // The answer is the next type. CONNECT is repeated if it is lost.
            if (FWB_WITH_WILL && c->will) fwb_put_will(c, type + 1);
            break;
        case FWB_PUBACK: on_puback(c, code, now_ms); break;
        case FWB_PUBREC:
        case FWB_PUBCOMP:
            if (FWB_WITH_QOS2) on_pubrec_or_pubcomp(c, type, now_ms);
            break;
        case FWB_PUBLISH:
            if (FWB_WITH_SUBSCRIBE) on_publish(c, p, bytes, id);
            break;
        case FWB_REGISTER:
            if (FWB_WITH_SUBSCRIBE) on_register(c, p, bytes, id);
            break;
        case FWB_PUBREL:
            if (FWB_WITH_SUBSCRIBE && FWB_WITH_QOS2) on_pubrel(c, id);
            break;
        case FWB_PINGREQ: fwb_put_head(c, FWB_PINGRESP, 2); break;
        case FWB_PINGRESP: on_pingresp(c, now_ms); break;
        case FWB_DISCONNECT: on_disconnect(c, now_ms); break;
        default: break;
    }
}

static void take(fwb* c, const uint8_t* packet, unsigned bytes, uint32_t now_ms) {
    const uint8_t* topic_id = 0;
    unsigned id = 0;
    unsigned code = FWB_ACCEPTED;
    unsigned form;
    unsigned states;
    if (bytes < 2 || bytes > FWB_PACKET_MAX || packet[0] != bytes || packet[1] > FWB_WILLMSGRESP) return;
    form = shapes[packet[1]].form;
    states = shapes[packet[1]].states;
    if (bytes < (form & SIZE_BITS) || (!(form & AT_LEAST) && bytes != (form & SIZE_BITS))) return;
    if (!(states << 1 >> c->state & 1)) return;
    if (form >> ID_SHIFT) {
        topic_id = packet + topic_id_places[form >> ID_SHIFT];
        id = fwb_u16(topic_id + 2);
    }
    if (form & CODE) code = packet[bytes - 1];
    if (states & IN(AWAKE)) {
        c->tries = 0;  // the gateway lives
    } else {
        // The answer to a request, but perhaps to an earlier one.
        if (topic_id && id != (c->state == STATE_SETUP ? c->next_id : c->message_id)) return;
        if (c->state == STATE_SETUP) {
            if (packet[1] == fwb_step_type(c) + 1U) fwb_step_answer(c, code, topic_id, now_ms);
            return;
        }
        if (code == FWB_CONGESTION) {
            // The gateway has no room, but it is alive: the request is repeated after a long pause.
            c->tries = 0;
            fwb_wait(c, FWB_DOUBLINGS_MAX, now_ms);
            return;
        }
    }
    on_packet(c, packet, bytes, id, code, now_ms);
}

uint32_t fwb_input(fwb* c, const uint8_t* packet, uint16_t bytes, uint32_t now_ms) {
    take(c, packet, bytes, now_ms);
    return fwb_poll(c, now_ms);
}
