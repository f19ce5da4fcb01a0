// A sensor: each reading arrives at least once (QoS 1), also when the line is bad or the gateway restarts meanwhile.
#include "board.h"

enum { TEMPERATURE };  // index in the table
static const fwb_topic topics[] = {FWB_PUB("plant/boiler/temperature")};

static void on_event(void* io, uint8_t event, uint8_t argument) {
    (void)io;
    (void)argument;
    if (event == FWB_READY) board_log("ready");
    if (event == FWB_LOST) board_log("lost");  // the client connects again by itself
    if (event == FWB_REJECTED) board_log("rejected");
}

static const fwb_config config = {
    .client_id = "boiler-7",
    .topics = topics,
    .topic_count = sizeof topics / sizeof topics[0],
    .send = fwb_cortex_m_send,
    .event = on_event,
    .keep_alive_s = 60,
    .retry_ms = BOARD_RETRY_MS,
    .retries = BOARD_RETRIES,
};

static fwb_cortex_m port;
static fwb client;
static uint16_t ids[sizeof topics / sizeof topics[0]];

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
        // FWB_EBUSY: the reading before this one is not acknowledged yet. This one waits; a queue could hold more.
        if (bytes && fwb_publish(&client, TEMPERATURE, FWB_QOS1, reading, bytes, port.now_ms) == FWB_OK) bytes = 0;
    }
}
