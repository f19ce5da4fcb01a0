// The client: what the firmware calls, the timer, and the requests that the device sends.
//
// One timer, `due_ms`, drives everything. The only packet that is stored is the message in flight; every other request
// is made anew from the constant configuration whenever it is sent. The client needs nothing from a C library.
#include "fwb_state.h"

#define PROTOCOL_ID 0x01
#define SEARCH_SPREAD_MS 5000  // devices that were switched on together do not search together [6.1]
#define STABLE_INTERVALS 16    // a connection that lasted so many retry intervals was a good one
#define NEVER_MS 0x3FFFFFFF    // half of what a signed difference of times can hold

uint32_t fwb_jitter(fwb* c, uint32_t range) {
    // Each value comes once in 65536 calls; the high bits are the better ones.
    c->random = (uint16_t)(c->random * 25173U + 1U);
    return (range * (c->random >> 8)) >> 8;
}

void fwb_wait(fwb* c, unsigned doublings, uint32_t now_ms) {
    uint32_t ms = c->config->retry_ms;
    ms <<= doublings < FWB_DOUBLINGS_MAX ? doublings : FWB_DOUBLINGS_MAX;
    if (ms > FWB_BACKOFF_MAX_MS) ms = FWB_BACKOFF_MAX_MS;
    c->due_ms = now_ms + ms + fwb_jitter(c, ms / 4);
}

void fwb_tell(const fwb* c, unsigned event, unsigned argument) {
    c->config->event(c->io, (uint8_t)event, (uint8_t)argument);
}

// ---------------------------------------------------------------------------------------------------------------------
// Packets to the gateway

void fwb_put(fwb* c, unsigned type, unsigned head_bytes, const void* body, unsigned body_bytes) {
    c->head[0] = (uint8_t)(head_bytes + body_bytes);
    c->head[1] = (uint8_t)type;
    c->config->send(c->io, c->head, (uint8_t)head_bytes, (const uint8_t*)body, (uint8_t)body_bytes);
}

void fwb_put_head(fwb* c, unsigned type, unsigned head_bytes) { fwb_put(c, type, head_bytes, 0, 0); }

static void put_text(fwb* c, unsigned type, unsigned head_bytes, const char* text) {
    unsigned bytes = 0;
    while (text[bytes] != 0) ++bytes;
    fwb_put(c, type, head_bytes, text, bytes);
}

void fwb_put_will(fwb* c, unsigned type) {
    const fwb_will* will = c->will;
    if (!will) {
        fwb_put_head(c, type, 2);  // without flags and topic: the gateway deletes the will
    } else if (type == FWB_WILLTOPIC || type == FWB_WILLTOPICUPD) {
        c->head[2] = will->flags;
        put_text(c, type, 3, will->topic);
    } else {
        fwb_put(c, type, 2, will->message, will->message_bytes);
    }
}

static void put_connect(fwb* c) {
    unsigned flags = c->config->flags & FWB_CLEAN;
    if (c->marks & MARK_KEEP) flags = 0;
    if (FWB_WITH_WILL && c->will) flags |= FLAG_WILL;
    c->head[2] = (uint8_t)flags;
    c->head[3] = PROTOCOL_ID;
    fwb_set_u16(c->head + 4, c->config->keep_alive_s);
    put_text(c, FWB_CONNECT, 6, c->config->client_id);
}

unsigned fwb_step_type(const fwb* c) {
    const fwb_topic* topic;
    if (FWB_WITH_WILL_UPDATE && (c->marks & MARK_WILL)) {  // behind the topics
        if (c->step == c->config->topic_count) return FWB_WILLTOPICUPD;
        return c->will ? FWB_WILLMSGUPD : 0;
    }
    topic = &c->config->topics[c->step];
    if (FWB_WITH_SUBSCRIBE && topic->use >= FWB_SUBSCRIBES) return FWB_SUBSCRIBE;
    if (FWB_WITH_SUBSCRIBE && topic->use == FWB_UNSUBSCRIBES) return FWB_UNSUBSCRIBE;
    return topic->kind == FWB_NAME ? FWB_REGISTER : 0;
}

static void put_step(fwb* c) {
    const unsigned type = fwb_step_type(c);
    const fwb_topic* topic;
    if (FWB_WITH_WILL_UPDATE && (c->marks & MARK_WILL)) {
        fwb_put_will(c, type);
        return;
    }
    topic = &c->config->topics[c->step];
    if (!FWB_WITH_SUBSCRIBE || type == FWB_REGISTER) {
        fwb_set_u16(c->head + 2, 0);  // the gateway chooses the number
        fwb_set_u16(c->head + 4, c->next_id);
        put_text(c, type, 6, topic->name);
        return;
    }
    c->head[2] = (uint8_t)(topic->use << 5 | topic->kind);
    fwb_set_u16(c->head + 3, c->next_id);
    if (topic->kind == FWB_NAME) {
        put_text(c, type, 5, topic->name);
    } else {
        fwb_set_u16(c->head + 5, topic->id);
        fwb_put_head(c, type, 7);
    }
}

static void put_message(fwb* c) {
    unsigned flags = c->flags | c->config->topics[c->topic].kind;
    if (c->phase == PHASE_SENT) flags |= FWB_DUP;
    c->head[2] = (uint8_t)flags;
    fwb_set_u16(c->head + 3, c->ids[c->topic]);
    fwb_set_u16(c->head + 5, c->message_id);
    fwb_put(c, FWB_PUBLISH, 7, c->payload, c->payload_bytes);
}

// ---------------------------------------------------------------------------------------------------------------------
// The timer

// 7/8 of the time that the gateway waits for a sign of life: the rest is for repetitions.
void fwb_rest(fwb* c, uint32_t now_ms) {
    uint32_t seconds = c->config->keep_alive_s;  // 32 bits, because the product does not fit 16 of them
    if (FWB_WITH_SLEEP && c->state == STATE_ASLEEP) seconds = c->sleep_s;
    c->due_ms = now_ms + (seconds ? seconds * 875U : NEVER_MS);
    c->tries = 0;
}

void fwb_enter(fwb* c, unsigned state, uint32_t now_ms) {
    c->state = (uint8_t)state;
    c->tries = 0;
    c->due_ms = now_ms;
}

static void new_id(fwb* c) { c->next_id = (uint16_t)(c->next_id + 2); }  // odd, so never 0, which means: no message id

// The message in flight, in a connection that is ready: for the first time, or again.
static void continue_flight(fwb* c, uint32_t now_ms) {
    if (FWB_WITH_QOS2 && c->phase == PHASE_RELEASED) {
        fwb_set_u16(c->head + 2, c->message_id);
        fwb_put_head(c, FWB_PUBREL, 4);
        return;
    }
    if (c->ids[c->topic] == 0) {  // the gateway has refused to register the topic
        fwb_end_flight(c, FWB_REJECTED, now_ms);
        return;
    }
    if (c->phase == PHASE_NEW && (c->flags & QOS_BITS)) {
        new_id(c);
        c->message_id = c->next_id;
    }
    put_message(c);
    c->phase = PHASE_SENT;
    if (!(c->flags & QOS_BITS)) {
        c->phase = PHASE_EMPTY;
        fwb_rest(c, now_ms);
    }
}

// Sends the request of the state, for the first time or again, and starts the timer.
static void request(fwb* c, uint32_t now_ms) {
    const unsigned state = c->state;
    fwb_wait(c, state <= STATE_CONNECTING ? c->attempts++ : 0, now_ms);
    if (FWB_WITH_SEARCH && state == STATE_SEARCHING) {
        c->head[2] = 0;  // the radius of the broadcast is the network's business
        fwb_put_head(c, FWB_SEARCHGW, 3);
    } else if (state == STATE_CONNECTING) {
        put_connect(c);
    } else if (state == STATE_SETUP) {
        put_step(c);
    } else if (state == STATE_READY) {
        if (c->phase == PHASE_EMPTY) {
            fwb_put_head(c, FWB_PINGREQ, 2);
        } else {
            continue_flight(c, now_ms);
        }
    } else if (FWB_WITH_SLEEP && state == STATE_AWAKE) {
        put_text(c, FWB_PINGREQ, 2, c->config->client_id);
    } else {  // RETIRING and CLOSING
        if (FWB_WITH_SLEEP) fwb_set_u16(c->head + 2, c->sleep_s);
        fwb_put_head(c, FWB_DISCONNECT, FWB_WITH_SLEEP && state == STATE_RETIRING ? 4 : 2);
    }
}

static void on_timer(fwb* c, uint32_t now_ms) {
    if (FWB_WITH_SEARCH && c->state == STATE_CONNECTING && c->attempts > c->config->retries) {
        if (c->config->flags & FWB_SEARCH) c->state = STATE_SEARCHING;  // perhaps another gateway answers
    }
    if (FWB_WITH_SLEEP && c->state == STATE_ASLEEP) c->state = STATE_AWAKE;
    if (c->state <= STATE_CONNECTING || c->tries++ <= c->config->retries) {
        request(c, now_ms);
    } else if (c->state == STATE_CLOSING) {
        fwb_closed(c);
    } else {
        fwb_lost(c, now_ms);
    }
}

uint32_t fwb_poll(fwb* c, uint32_t now_ms) {
    if (c->state != STATE_CLOSED && (int32_t)(now_ms - c->due_ms) >= 0) on_timer(c, now_ms);
    return c->state == STATE_CLOSED ? NEVER_MS : c->due_ms - now_ms;
}

// ---------------------------------------------------------------------------------------------------------------------
// Moves between states

void fwb_next_step(fwb* c, uint32_t now_ms) {
    const unsigned marks = c->marks;
    unsigned end = c->config->topic_count;
    if (FWB_WITH_WILL_UPDATE && (marks & MARK_WILL)) end += 2;
    fwb_enter(c, STATE_SETUP, now_ms);
    while (++c->step < end) {
        if (fwb_step_type(c) != 0) {
            new_id(c);
            return;
        }
    }
    c->state = STATE_READY;
    c->marks = (uint8_t)((marks & MARK_AGAIN) | MARK_ANNOUNCED);
    if (c->phase == PHASE_EMPTY) fwb_rest(c, now_ms);
    if (!(marks & MARK_ANNOUNCED)) fwb_tell(c, FWB_READY, 0);
}

// `topic_id` is NULL for the answers that have none.
void fwb_step_answer(fwb* c, unsigned code, const uint8_t* topic_id, uint32_t now_ms) {
    const unsigned step = c->step;
    // A topic for which there is never room must not keep the others from working.
    if (code == FWB_CONGESTION && c->tries <= c->config->retries) {
        fwb_wait(c, FWB_DOUBLINGS_MAX, now_ms);
        return;
    }
    // The steps behind the last topic, for the will, have no id. A publisher only registers topics without one.
    if ((!FWB_WITH_WILL_UPDATE || topic_id) && code == FWB_ACCEPTED && (!FWB_WITH_SUBSCRIBE || c->ids[step] == 0)) {
        c->ids[step] = fwb_u16(topic_id);  // UNSUBACK has none; whatever is stored for it is never read
    }
    fwb_next_step(c, now_ms);
    if (code != FWB_ACCEPTED) fwb_tell(c, FWB_REJECTED, step);
}

// The gateway assumes that a device which connects has forgotten all numbers, so all topics get new ones.
void fwb_begin_setup(fwb* c, uint32_t now_ms) {
    unsigned i;
    for (i = 0; i < c->config->topic_count; ++i) c->ids[i] = c->config->topics[i].id;  // 0 for a name
    c->step = 0xFF;                                                                    // in front of the first one
    fwb_next_step(c, now_ms);
}

void fwb_end_flight(fwb* c, unsigned event, uint32_t now_ms) {
    c->phase = PHASE_EMPTY;
    c->marks = MARK_ANNOUNCED;
    fwb_rest(c, now_ms);
    fwb_tell(c, event, c->topic);
}

// A connection that was good for a while is worth an attempt at once: the gateway has restarted. Otherwise the device
// waits, so that two devices with one client id do not throw each other out without a pause.
void fwb_lost(fwb* c, uint32_t now_ms) {
    const unsigned marks = c->marks;
    c->marks = 0;
    if (now_ms - c->connected_ms >= STABLE_INTERVALS * (uint32_t)c->config->retry_ms) c->attempts = 0;
    fwb_enter(c, STATE_CONNECTING, now_ms);
    if (c->attempts != 0) fwb_wait(c, c->attempts, now_ms);
    if (marks & MARK_ANNOUNCED) fwb_tell(c, FWB_LOST, 0);
}

// CONNECT from a sleeping device keeps the session and its mail, whatever FWB_CLEAN says.
static void wake(fwb* c, uint32_t now_ms) {
    c->marks = MARK_KEEP;
    c->attempts = 0;
    fwb_enter(c, STATE_CONNECTING, now_ms);
}

void fwb_fall_asleep(fwb* c, uint32_t now_ms) {
    if (c->phase != PHASE_EMPTY) {  // written meanwhile, and only an active device may send
        wake(c, now_ms);
        return;
    }
    c->state = STATE_ASLEEP;
    fwb_rest(c, now_ms);
    fwb_tell(c, FWB_ASLEEP, 0);
}

void fwb_closed(fwb* c) {
    c->state = STATE_CLOSED;
    fwb_tell(c, FWB_CLOSED, 0);
}

// ---------------------------------------------------------------------------------------------------------------------
// The calls of the firmware. They say what is to be done; fwb_poll does it.

void fwb_init(fwb* c, const fwb_config* config, uint16_t* ids, void* io, uint16_t seed) {
    c->config = config;
    c->io = io;
    c->ids = ids;
    c->will = config->will;
    c->random = seed;
    c->next_id = (uint16_t)(seed | 1U);
    c->received_id = 0;
    c->state = STATE_CLOSED;
    c->phase = PHASE_EMPTY;
}

void fwb_open(fwb* c, uint32_t now_ms) {
    if (c->state == STATE_CLOSED) {
        c->marks = 0;
        c->attempts = 0;
        fwb_enter(c, STATE_CONNECTING, now_ms);
        if (FWB_WITH_SEARCH && (c->config->flags & FWB_SEARCH)) {
            c->state = STATE_SEARCHING;
            c->due_ms += fwb_jitter(c, SEARCH_SPREAD_MS);
        }
    } else if (FWB_WITH_SLEEP && c->state >= STATE_RETIRING && c->state <= STATE_AWAKE) {
        wake(c, now_ms);
    }
}

int fwb_publish(fwb* c, uint8_t topic, uint8_t flags, const void* data, uint16_t bytes, uint32_t now_ms) {
    const uint8_t* from = (const uint8_t*)data;
    const unsigned qos = flags & QOS_BITS;
    unsigned i;
    if (bytes > FWB_PAYLOAD_MAX) return FWB_ESIZE;
    if (topic >= c->config->topic_count || qos > (FWB_WITH_QOS2 ? FWB_QOS2 : FWB_QOS1)) return FWB_EINVALID;
    if (FWB_WITH_SUBSCRIBE && (c->config->topics[topic].use & FWB_UNSUBSCRIBES)) return FWB_EINVALID;
    if (c->phase != PHASE_EMPTY) return FWB_EBUSY;
    c->topic = topic;
    c->flags = flags & (QOS_BITS | FWB_RETAIN);
    c->payload_bytes = (uint8_t)bytes;
    for (i = 0; i < bytes; ++i) c->payload[i] = from[i];
    c->message_id = 0;
    if (c->state == STATE_READY) {
        // Not FWB_REJECTED: firmware that publishes again from its handler would never return.
        if (c->ids[topic] == 0) return FWB_ESTATE;
        if (qos == FWB_QOS0) {
            put_message(c);  // the timer goes on: QoS 0 is no sign that the gateway lives
            return FWB_OK;
        }
        fwb_enter(c, STATE_READY, now_ms);
    }
    c->phase = PHASE_NEW;
    if (FWB_WITH_SLEEP && c->state == STATE_ASLEEP) wake(c, now_ms);
    fwb_poll(c, now_ms);
    return FWB_OK;
}

int fwb_sleep(fwb* c, uint16_t seconds, uint32_t now_ms) {
    if (!FWB_WITH_SLEEP || seconds == 0) return FWB_EINVALID;
    if (c->state != STATE_READY && c->state != STATE_ASLEEP) return FWB_ESTATE;
    if (c->phase != PHASE_EMPTY) return FWB_EBUSY;
    c->sleep_s = seconds;
    fwb_enter(c, STATE_RETIRING, now_ms);
    return FWB_OK;
}

int fwb_check_mail(fwb* c, uint32_t now_ms) {
    if (!FWB_WITH_SLEEP || c->state != STATE_ASLEEP) return FWB_ESTATE;
    c->due_ms = now_ms;
    return FWB_OK;
}

int fwb_set_will(fwb* c, const fwb_will* will, uint32_t now_ms) {
    if (!FWB_WITH_WILL) return FWB_EINVALID;
    if (FWB_WITH_WILL_UPDATE && c->state == STATE_READY) {
        if (c->phase != PHASE_EMPTY) return FWB_EBUSY;
        c->will = will;
        c->marks |= MARK_WILL;
        c->step = (uint8_t)(c->config->topic_count - 1);
        fwb_next_step(c, now_ms);
    } else if (c->state > STATE_SEARCHING) {
        return FWB_ESTATE;
    }
    c->will = will;
    return FWB_OK;
}

void fwb_close(fwb* c, uint32_t now_ms) {
    if (c->state > STATE_CONNECTING) {
        fwb_enter(c, STATE_CLOSING, now_ms);
    } else if (c->state != STATE_CLOSED) {
        fwb_closed(c);
    }
}
