// A device that renews its firmware: it fetches the image that the gateway announces into the second slot of its flash,
// verifies the SHA-256, and leaves the rest to the bootloader. A reset under way costs one sector.
#include "ota_board.h"

#ifndef CLIENT_ID
#define CLIENT_ID "boiler-7"
#endif
#ifndef IMAGE_NAME
#define IMAGE_NAME "boiler"
#endif
#ifndef ANSWER_MS
#define ANSWER_MS 5000  // several times the round trip on a slow line
#endif

enum { GET, BLOCK, MANIFEST };
static const fwb_topic topics[] = {
    FWB_PUB("ota/get/" CLIENT_ID),
    FWB_SUB("ota/block/" CLIENT_ID, 1),
    FWB_SUB("ota/manifest/" IMAGE_NAME, 1),
};

static fwb_cortex_m port;
static fwb client;
static uint16_t ids[sizeof topics / sizeof topics[0]];
static fwb_ota ota;

static int ask(void* io, const uint8_t* request, uint8_t bytes) {
    (void)io;
    return fwb_publish(&client, GET, FWB_QOS1, request, bytes, port.now_ms);
}

// The cursor still stands before this block. After a reset the download goes on at the beginning of a sector, which is
// then erased and written again.
static int write_slot(void* io, uint32_t offset, const uint8_t* data, uint16_t bytes) {
    (void)io;
    if (bytes > board_slot_bytes() || offset > board_slot_bytes() - bytes) return 1;
    if (offset % BOARD_SECTOR_BYTES == 0) board_keep_cursor(&ota.cursor);
    return board_slot_write(offset, data, bytes);
}

static int read_slot(void* io, uint32_t offset, uint8_t* data, uint16_t bytes) {
    (void)io;
    return board_slot_read(offset, data, bytes);
}

static fwb_ota_config ota_config = {
    .ask = ask,
    .write = write_slot,
    .read = read_slot,
    .block_bytes = 64,  // a sector has a whole number of blocks
    .answer_ms = ANSWER_MS,
};

static void on_event(void* io, uint8_t event, uint8_t argument) {
    (void)io;
    (void)argument;
    if (event == FWB_READY) board_log("ready");
    if (event == FWB_LOST) board_log("lost");
}

static uint8_t on_message(void* io, const fwb_message* m) {
    (void)io;
    if (m->topic == BLOCK) fwb_ota_block(&ota, m->data, m->bytes, port.now_ms);
    if (m->topic == MANIFEST && fwb_ota_manifest(&ota, m->data, m->bytes)) board_log("fetching");
    return FWB_ACCEPTED;
}

static const fwb_config config = {
    .client_id = CLIENT_ID,
    .topics = topics,
    .topic_count = sizeof topics / sizeof topics[0],
    .send = fwb_cortex_m_send,
    .event = on_event,
    .message = on_message,
    .keep_alive_s = 60,
    .retry_ms = 1000,
    .retries = 4,
};

int main(void) {
    uint8_t told = FWB_OTA_IDLE;
    fwb_link_init(&port.link);
    board_start(&port);
    ota_config.running = board_running_sha256();
    fwb_ota_init(&ota, &ota_config, &port, board_kept_cursor());
    fwb_init(&client, &config, ids, &port, board_seed());
    fwb_open(&client, port.now_ms);
    for (;;) {
        fwb_cortex_m_step(&port, &client);
        fwb_ota_poll(&ota, port.now_ms);
        if (ota.state == told) continue;
        told = ota.state;
        if (told == FWB_OTA_READY) {
            board_log("verified");
            board_start_second_slot();
        }
        // A new manifest begins another download. The same one again would most likely fail again.
        if (told == FWB_OTA_DAMAGED) board_log("damaged");
        if (told == FWB_OTA_BROKEN) board_log("broken");
    }
}
