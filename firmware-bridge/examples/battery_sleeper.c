// A device that lives on a battery: sends a reading, sleeps, and fetches at its own pace what was published for it
// meanwhile. The gateway keeps those messages; the device keeps its session (no FWB_CLEAN).
#include "board.h"

#ifndef SLEEP_S
#define SLEEP_S 300  // the gateway counts the device as lost when it hears nothing for longer
#endif
#ifndef MAIL_EVERY_MS
#define MAIL_EVERY_MS 60000
#endif

enum { READING, SET };
static const fwb_topic topics[] = {FWB_PUB("field/soil/reading"), FWB_SUB("field/soil/set", 1)};

static fwb_cortex_m port;
static fwb client;
static uint16_t ids[sizeof topics / sizeof topics[0]];
static uint8_t is_asleep;
static uint32_t mail_ms;

// Whoever sends expects an answer, so this is the one place where the receiver goes on.
static void send(void* io, const uint8_t* head, uint8_t head_bytes, const uint8_t* body, uint8_t body_bytes) {
    board_receiver(1);
    is_asleep = 0;
    fwb_cortex_m_send(io, head, head_bytes, body, body_bytes);
}

static void on_event(void* io, uint8_t event, uint8_t argument) {
    (void)io;
    (void)argument;
    if (event == FWB_ASLEEP) {
        board_log("asleep");
        board_receiver(0);
        is_asleep = 1;
        mail_ms = port.now_ms + MAIL_EVERY_MS;
    }
    if (event == FWB_READY) board_log("ready");
    if (event == FWB_LOST) board_log("lost");
}

static uint8_t on_message(void* io, const fwb_message* m) {
    char text[FWB_PAYLOAD_MAX + 1];
    uint8_t i;
    (void)io;
    for (i = 0; i < m->bytes; ++i) text[i] = (char)m->data[i];
    text[i] = 0;
    board_log(text);
    return FWB_ACCEPTED;
}

static const fwb_config config = {
    .client_id = "soil-3",
    .topics = topics,
    .topic_count = sizeof topics / sizeof topics[0],
    .send = send,
    .event = on_event,
    .message = on_message,
    .keep_alive_s = 60,
    .retry_ms = BOARD_RETRY_MS,
    .retries = BOARD_RETRIES,
};

int main(void) {
    char reading[BOARD_READING_BYTES];
    uint8_t bytes = 0;
    fwb_cortex_m_init(&port);
    board_start(&port);
    fwb_init(&client, &config, ids, &port, board_seed());
    fwb_open(&client, port.now_ms);
    for (;;) {
        fwb_cortex_m_step(&port, &client);
        if (bytes == 0) bytes = board_reading(reading);
        // A sleeping device wakes for its reading.
        if (bytes && fwb_publish(&client, READING, FWB_QOS1, reading, bytes, port.now_ms) == FWB_OK) bytes = 0;
        if (is_asleep) {
            if ((int32_t)(port.now_ms - mail_ms) >= 0) fwb_check_mail(&client, port.now_ms);
        } else if (bytes == 0) {
            fwb_sleep(&client, SLEEP_S, port.now_ms);  // does nothing until the device is ready and has sent everything
        }
    }
}
