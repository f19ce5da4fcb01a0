// An actuator: switches its output when it is told "on" or "off", and tells its state as a retained message.
#include "board.h"

enum { SET, STATE };
static const fwb_topic topics[] = {FWB_SUB("plant/valve/set", 1), FWB_PUB("plant/valve/state")};

static uint8_t is_on;
static uint8_t is_state_due = 1;  // also after the start: what is retained may be old

static void on_event(void* io, uint8_t event, uint8_t argument) {
    (void)io;
    (void)argument;
    if (event == FWB_READY) board_log("ready");
    if (event == FWB_LOST) board_log("lost");
}

// Called for each message; its return code becomes the acknowledgement. Nothing else of the client is needed here, so
// the state is published in the main loop: a message of ours may still be in flight.
static uint8_t on_message(void* io, const fwb_message* m) {
    const uint8_t says_on = m->bytes == 2 && m->data[0] == 'o' && m->data[1] == 'n';
    const uint8_t says_off = m->bytes == 3 && m->data[0] == 'o' && m->data[1] == 'f' && m->data[2] == 'f';
    (void)io;
    if (m->topic != SET) return FWB_INVALID_TOPIC;
    if (!says_on && !says_off) return FWB_ACCEPTED;  // refused, it would come again and again
    is_on = says_on;
    is_state_due = 1;
    board_output(is_on);
    return FWB_ACCEPTED;
}

static const fwb_config config = {
    .client_id = "valve-2",
    .topics = topics,
    .topic_count = sizeof topics / sizeof topics[0],
    .send = fwb_cortex_m_send,
    .event = on_event,
    .message = on_message,
    .keep_alive_s = 60,
    .retry_ms = BOARD_RETRY_MS,
    .retries = BOARD_RETRIES,
};

static fwb_cortex_m port;
static fwb client;
static uint16_t ids[sizeof topics / sizeof topics[0]];

static int publish_state(void) {
    return fwb_publish(&client, STATE, FWB_QOS1 | FWB_RETAIN, is_on ? "on" : "off", is_on ? 2 : 3, port.now_ms);
}

int main(void) {
    fwb_cortex_m_init(&port);
    board_start(&port);
    fwb_init(&client, &config, ids, &port, board_seed());
    fwb_open(&client, port.now_ms);
    for (;;) {
        fwb_cortex_m_step(&port, &client);
        if (is_state_due && publish_state() == FWB_OK) is_state_due = 0;
    }
}
