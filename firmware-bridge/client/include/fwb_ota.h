// fwb_ota.h: fetches a firmware image from the broker in blocks, at the pace of the device.
//
// C99 without heap, globals, I/O and clock, as fwb.h, whose SHA-256 it uses and nothing else: it works over fwb_client
// and over every other MQTT client. The firmware moves three messages:
//     ota/manifest/NAME, a message to the device      fwb_ota_manifest
//     ota/get/CLIENT_ID, what the device publishes    the callback `ask`, called by fwb_ota_poll
//     ota/block/CLIENT_ID, the answers                fwb_ota_block
// ../PROTOCOL.md has the bytes, ../README.md an example. No function takes long: fwb_ota_poll hashes FWB_OTA_SLICE
// bytes at a time.
#ifndef FWB_OTA_H
#define FWB_OTA_H

#include "fwb.h"

#ifdef __cplusplus
extern "C" {
#endif

#ifndef FWB_OTA_SLICE
#define FWB_OTA_SLICE 64  // 32 or more bytes of flash that one call of fwb_ota_poll reads and hashes, on the stack
#endif

#define FWB_OTA_REQUEST_BYTES 10
#define FWB_OTA_HEAD_BYTES 9                                      // of an answer; the data follows
#define FWB_OTA_MANIFEST_BYTES 36                                 // of a manifest; the version follows
#define FWB_OTA_BLOCK_MAX (FWB_PAYLOAD_MAX - FWB_OTA_HEAD_BYTES)  // what one packet of fwb_client can carry

// Where the download stands: 40 bytes, which the firmware stores if it wants to go on after a reset.
typedef struct fwb_ota_cursor {
    uint8_t sha256[32];  // of the image
    uint32_t size;       // 0 = no image
    uint32_t offset;     // bytes that `write` has stored
} fwb_ota_cursor;

enum fwb_ota_state {
    FWB_OTA_IDLE,      // no image is wanted
    FWB_OTA_FETCHING,  // blocks are asked for
    FWB_OTA_CHECKING,  // all blocks are stored; their SHA-256 is computed from flash
    FWB_OTA_READY,     // the image in flash is the one of the manifest
    FWB_OTA_DAMAGED,   // it is not: the firmware erases and calls fwb_ota_restart, or waits for another manifest
    FWB_OTA_BROKEN     // `write` or `read` has failed; the same
};

typedef struct fwb_ota_config {
    // Publishes the request, at QoS 1 if the device sleeps between blocks. FWB_OK, or an error: asked again soon. Must
    // not call the functions below.
    int (*ask)(void* io, const uint8_t* request, uint8_t bytes);
    // Stores the data, and erases what has to be erased first. The offsets come in order, without gaps. After a reset,
    // data that was stored already may come again. 0 = stored.
    int (*write)(void* io, uint32_t offset, const uint8_t* data, uint16_t bytes);
    // Reads back what was stored, for the SHA-256. 0 = read.
    int (*read)(void* io, uint32_t offset, uint8_t* data, uint16_t bytes);
    const uint8_t* running;  // the SHA-256 of the image that runs, which is not fetched again; NULL = unknown
    uint16_t block_bytes;    // of the data in one answer, 1 to FWB_OTA_BLOCK_MAX over fwb_client
    uint16_t answer_ms;      // from a request to its repetition: several times the round trip. The pause doubles
                             // four times. A device that sleeps gives the time of two naps, or more.
} fwb_ota_config;

// The fields belong to the functions below; the firmware reads `state` and `cursor`.
typedef struct fwb_ota {
    uint8_t state;    // enum fwb_ota_state
    uint8_t waits;    // a request is unanswered
    uint8_t tries;    // repetitions of it
    uint32_t due_ms;  // of the next repetition
    const fwb_ota_config* config;
    void* io;
    fwb_ota_cursor cursor;
    uint32_t checked;  // bytes that are hashed
    fwb_sha256 hash;
} fwb_ota;

// Goes on where `stored` is, or waits for a manifest: with NULL, or if that image runs now. Call fwb_ota_poll next.
void fwb_ota_init(fwb_ota* o, const fwb_ota_config* config, void* io, const fwb_ota_cursor* stored);

// A manifest has arrived. Returns 1 if it names another image than the present one: the download begins with its first
// block, and the firmware may store the cursor. 0 = it is the present image, the running one, or no manifest.
int fwb_ota_manifest(fwb_ota* o, const uint8_t* payload, uint16_t bytes);

// An answer has arrived. Returns 1 if a block was stored, 0 if the answer was of no use: a repetition, or an error.
int fwb_ota_block(fwb_ota* o, const uint8_t* payload, uint16_t bytes, uint32_t now_ms);

// Does what is due: asks for the next block, asks again, or hashes a slice. Returns after how many milliseconds the
// next call has something to do, UINT32_MAX = only after another message. The clock may wrap around.
uint32_t fwb_ota_poll(fwb_ota* o, uint32_t now_ms);

// Fetches the image of the cursor from the beginning.
void fwb_ota_restart(fwb_ota* o);

#ifdef __cplusplus
}
#endif

#endif
