// A device that renews its firmware: it fetches the image that the gateway announces into the second slot of its flash,
// verifies the SHA-256, and leaves the rest to the bootloader. A reset under way costs one sector. The new firmware
// publishes which image it is. With SLEEP_S it has its receiver off while an answer is on its way.
#include "board.h"

#ifndef CLIENT_ID
#define CLIENT_ID "boiler-7"
#endif
#ifndef IMAGE_NAME
#define IMAGE_NAME "boiler"
#endif
#ifndef SLEEP_S
#define SLEEP_S 0  // the gateway counts the device as lost when it hears nothing for longer; 0 = always awake
#endif
#ifndef MAIL_EVERY_MS
#define MAIL_EVERY_MS 60000
#endif
// Several times the round trip on a slow line, or two naps, as far as 16 bits go. The client itself repeats sooner.
#if SLEEP_S == 0 || MAIL_EVERY_MS <= 2500
#define ANSWER_MS 5000
#elif MAIL_EVERY_MS <= 32000
#define ANSWER_MS (2 * MAIL_EVERY_MS)
#else
#define ANSWER_MS 64000
#endif

enum { GET, BLOCK, MANIFEST, RUNNING };
static const fwb_topic topics[] = {
    FWB_PUB("ota/get/" CLIENT_ID),
    FWB_SUB("ota/block/" CLIENT_ID, 1),
    FWB_SUB("ota/manifest/" IMAGE_NAME, 1),
    FWB_PUB("plant/" CLIENT_ID "/running"),
};

static fwb_cortex_m port;
static fwb client;
static uint16_t ids[sizeof topics / sizeof topics[0]];
static fwb_ota ota;
static uint8_t is_asleep;
static uint32_t mail_ms;

static void send(void* io, const uint8_t* head, uint8_t head_bytes, const uint8_t* body, uint8_t body_bytes) {
    board_receiver(1);
    is_asleep = 0;
    fwb_cortex_m_send(io, head, head_bytes, body, body_bytes);
}

static int ask(void* io, const uint8_t* request, uint8_t bytes) {
    (void)io;
    return fwb_publish(&client, GET, FWB_QOS1, request, bytes, port.now_ms);
}

// The cursor still stands before this block. After a reset the download goes on at the beginning of a sector, which is
// then erased and written again.
static int write_slot(void* io, uint32_t offset, const uint8_t* data, uint16_t bytes) {
    (void)io;
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
    if (event == FWB_READY) board_log("ready");
    if (event == FWB_LOST) board_log("lost");
    if (SLEEP_S > 0 && event == FWB_DELIVERED && argument == GET) fwb_sleep(&client, SLEEP_S, port.now_ms);
    if (event == FWB_ASLEEP) {
        board_receiver(0);
        is_asleep = 1;
        mail_ms = port.now_ms + MAIL_EVERY_MS;
    }
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
    .send = send,
    .event = on_event,
    .message = on_message,
    .keep_alive_s = 60,
    .retry_ms = BOARD_RETRY_MS,
    .retries = BOARD_RETRIES,
};

// The image id as `mosquitto_sub -t ota/image/#` shows it. Retained, so an operator sees who runs what.
static int publish_running(const uint8_t* sha256) {
    static const char digits[] = "0123456789abcdef";
    char id[8];
    uint8_t i;
    for (i = 0; i < sizeof id; ++i) id[i] = digits[sha256[i / 2] >> (i % 2 ? 0 : 4) & 15];
    return fwb_publish(&client, RUNNING, FWB_QOS1 | FWB_RETAIN, id, sizeof id, port.now_ms);
}

static void on_state(uint8_t state) {
    if (state == FWB_OTA_READY) {
        board_log("verified");
        board_start_second_slot();
    }
    // A new manifest begins another download. The same one again would most likely fail again.
    if (state == FWB_OTA_DAMAGED) board_log("damaged");
    if (state == FWB_OTA_BROKEN) board_log("broken");
}

int main(void) {
    uint8_t known = FWB_OTA_IDLE;
    const uint8_t* unpublished;
    fwb_cortex_m_init(&port);
    board_start(&port);
    unpublished = ota_config.running = board_running_sha256();
    fwb_ota_init(&ota, &ota_config, &port, board_kept_cursor());
    fwb_init(&client, &config, ids, &port, board_seed());
    fwb_open(&client, port.now_ms);
    for (;;) {
        fwb_cortex_m_step(&port, &client);
        if (unpublished && publish_running(unpublished) == FWB_OK) unpublished = 0;
        fwb_ota_poll(&ota, port.now_ms);
        if (is_asleep && (int32_t)(port.now_ms - mail_ms) >= 0) fwb_check_mail(&client, port.now_ms);
        if (ota.state == known) continue;
        known = ota.state;
        on_state(known);
    }
}
