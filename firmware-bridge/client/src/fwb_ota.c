// The cursor of a firmware download. The device asks for one block after the other, so it holds no list of blocks, and
// a lost message costs a repetition of ten bytes.
#include "fwb_ota.h"

#if FWB_OTA_SLICE < 32
#error "FWB_OTA_SLICE must hold a SHA-256"
#endif

#define STATUS_DATA 0
#define TRIES_MAX 4  // the pause doubles so often
#define BUSY_MS 250  // until the next attempt when `ask` has failed
#define NEVER 0xFFFFFFFFUL

static uint32_t u32_at(const uint8_t* bytes) {
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void put_u32(uint8_t* out, uint32_t value) {
    unsigned i;
    for (i = 0; i < 4; ++i) out[i] = (uint8_t)(value >> (24 - 8 * i));
}

// Not an assignment of structures, for which some compilers call memcpy.
static void set_image(fwb_ota* o, const uint8_t* sha256, uint32_t size, uint32_t offset) {
    uint8_t i;
    for (i = 0; i < 32; ++i) o->cursor.sha256[i] = sha256[i];
    o->cursor.size = size;
    o->cursor.offset = offset;
}

static uint8_t is_equal(const uint8_t* a, const uint8_t* b, uint8_t bytes) {
    while (bytes > 0 && *a == *b) {
        ++a;
        ++b;
        --bytes;
    }
    return bytes == 0;
}

// Asks next, or checks next when nothing is left to ask for.
static void advance(fwb_ota* o) {
    o->waits = 0;
    o->tries = 0;
    o->state = FWB_OTA_FETCHING;
    if (o->cursor.offset < o->cursor.size) return;
    o->state = FWB_OTA_CHECKING;
    o->checked = 0;
    fwb_sha256_init(&o->hash);
}

void fwb_ota_restart(fwb_ota* o) {
    o->cursor.offset = 0;
    o->state = FWB_OTA_IDLE;
    if (o->cursor.size > 0) advance(o);
}

void fwb_ota_init(fwb_ota* o, const fwb_ota_config* config, void* io, const fwb_ota_cursor* stored) {
    o->config = config;
    o->io = io;
    o->state = FWB_OTA_IDLE;
    o->cursor.size = 0;
    o->cursor.offset = 0;
    if (!stored) return;
    // A cursor behind the end comes from damaged memory.
    if (stored->size == 0 || stored->offset > stored->size) return;
    // The download has ended, and its image runs: the other slot may hold the way back.
    if (config->running && is_equal(config->running, stored->sha256, 32)) return;
    set_image(o, stored->sha256, stored->size, stored->offset);
    advance(o);
}

int fwb_ota_manifest(fwb_ota* o, const uint8_t* payload, uint16_t bytes) {
    const uint8_t* running = o->config->running;
    const uint8_t* sha256;
    uint32_t size;
    if (bytes < FWB_OTA_MANIFEST_BYTES) return 0;
    size = u32_at(payload);
    sha256 = payload + 4;
    if (size == 0) return 0;
    // The running image: whatever was fetched meanwhile is not wanted any more.
    if (running && is_equal(running, sha256, 32)) {
        o->state = FWB_OTA_IDLE;
        o->cursor.size = 0;
        return 0;
    }
    if (o->cursor.size == size && is_equal(o->cursor.sha256, sha256, 32)) return 0;
    set_image(o, sha256, size, 0);
    advance(o);
    return 1;
}

static uint16_t wanted(const fwb_ota* o) {
    const uint32_t rest = o->cursor.size - o->cursor.offset;
    return rest < o->config->block_bytes ? (uint16_t)rest : o->config->block_bytes;
}

int fwb_ota_block(fwb_ota* o, const uint8_t* payload, uint16_t bytes, uint32_t now_ms) {
    const uint16_t data_bytes = (uint16_t)(bytes - FWB_OTA_HEAD_BYTES);
    if (o->state != FWB_OTA_FETCHING || bytes < FWB_OTA_HEAD_BYTES) return 0;
    if (!is_equal(payload, o->cursor.sha256, 4) || u32_at(payload + 4) != o->cursor.offset) return 0;
    if (payload[8] != STATUS_DATA) {
        // The server does not have the image now. It may be reading the files again, or another manifest may come: the
        // device asks again after the longest pause.
        o->tries = TRIES_MAX;
        o->waits = 1;
        o->due_ms = now_ms + ((uint32_t)o->config->answer_ms << TRIES_MAX);
        return 0;
    }
    if (data_bytes == 0 || data_bytes > wanted(o)) return 0;
    if (o->config->write(o->io, o->cursor.offset, payload + FWB_OTA_HEAD_BYTES, data_bytes)) {
        o->state = FWB_OTA_BROKEN;
        return 0;
    }
    o->cursor.offset += data_bytes;
    advance(o);
    return 1;
}

static uint32_t ask(fwb_ota* o, uint32_t now_ms) {
    uint8_t request[FWB_OTA_REQUEST_BYTES];
    const uint8_t tries = (uint8_t)(o->tries + (o->waits && o->tries < TRIES_MAX));
    uint32_t pause_ms = BUSY_MS;
    uint8_t i;
    for (i = 0; i < 4; ++i) request[i] = o->cursor.sha256[i];
    put_u32(request + 4, o->cursor.offset);
    request[8] = (uint8_t)(wanted(o) >> 8);
    request[9] = (uint8_t)wanted(o);
    if (!o->config->ask(o->io, request, sizeof request)) {
        o->waits = 1;
        o->tries = tries;
        pause_ms = (uint32_t)o->config->answer_ms << tries;
    }
    o->due_ms = now_ms + pause_ms;
    return pause_ms;
}

// Reads and hashes one slice; compares at the end.
static uint32_t check(fwb_ota* o) {
    uint8_t slice[FWB_OTA_SLICE];
    const uint32_t rest = o->cursor.size - o->checked;
    const uint16_t bytes = (uint16_t)(rest < sizeof slice ? rest : sizeof slice);
    if (o->config->read(o->io, o->checked, slice, bytes)) {
        o->state = FWB_OTA_BROKEN;
        return NEVER;
    }
    fwb_sha256_add(&o->hash, slice, bytes);
    o->checked += bytes;
    if (o->checked < o->cursor.size) return 0;
    fwb_sha256_end(&o->hash, slice);
    o->state = is_equal(slice, o->cursor.sha256, 32) ? FWB_OTA_READY : FWB_OTA_DAMAGED;
    return NEVER;
}

uint32_t fwb_ota_poll(fwb_ota* o, uint32_t now_ms) {
    uint32_t left_ms;
    if (o->state == FWB_OTA_CHECKING) return check(o);
    if (o->state != FWB_OTA_FETCHING) return NEVER;
    left_ms = o->due_ms - now_ms;
    // The clock wraps around: less than half of its range ahead is the future.
    if (o->waits && left_ms != 0 && left_ms < 0x80000000UL) return left_ms;
    return ask(o, now_ms);
}
