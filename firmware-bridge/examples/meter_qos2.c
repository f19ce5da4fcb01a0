// A meter: each reading arrives exactly once (QoS 2), also when a watchdog resets the device in the middle of the
// exchange, because the client lives in memory that a reset does not clear. After a power failure the reading in flight
// is gone; no reading arrives twice then either. A reset that comes while a function of the client runs may leave the
// client half changed: let the watchdog watch the rest of the firmware, and feed it beside the calls of the client.
#include "board.h"

enum { ENERGY };
static const fwb_topic topics[] = {FWB_PUB("plant/meter/energy")};

#define KEPT __attribute__((section(".noinit")))  // the linker script places it where the start code clears nothing
#define KEPT_MARK 0x51324D54U                     // random memory does not look like this

static KEPT fwb_cortex_m port;
static KEPT fwb client;
static KEPT uint16_t ids[sizeof topics / sizeof topics[0]];
static KEPT char reading[BOARD_READING_BYTES];
static KEPT uint8_t bytes;
static KEPT uint32_t mark;

static void on_event(void* io, uint8_t event, uint8_t argument) {
    (void)io;
    (void)argument;
    if (event == FWB_READY) board_log("ready");
    if (event == FWB_LOST) board_log("lost");
}

static const fwb_config config = {
    .client_id = "meter-1",
    .topics = topics,
    .topic_count = sizeof topics / sizeof topics[0],
    .send = fwb_cortex_m_send,
    .event = on_event,
    .keep_alive_s = 60,
    .retry_ms = BOARD_RETRY_MS,
    .retries = BOARD_RETRIES,
};

int main(void) {
    fwb_cortex_m_init(&port);
    board_start(&port);
    if (mark != KEPT_MARK) {
        fwb_init(&client, &config, ids, &port, board_seed());
        fwb_open(&client, port.now_ms);
        bytes = 0;
        mark = KEPT_MARK;
    } else {
        board_log("reset, the client goes on");
    }
    for (;;) {
        fwb_cortex_m_step(&port, &client);
        if (bytes == 0) bytes = board_reading(reading);
        if (bytes && fwb_publish(&client, ENERGY, FWB_QOS2, reading, bytes, port.now_ms) == FWB_OK) bytes = 0;
    }
}
