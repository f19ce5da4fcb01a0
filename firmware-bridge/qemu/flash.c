// The flash of ../examples/board.h for the emulated board: RAM that keeps its bytes across a reset and obeys the rule
// of flash, by which a write clears bits and only the erasure of a whole sector sets them. There is no bootloader: the
// same firmware starts again and takes itself for the new image.
#include "board.h"
#include "mps2.h"

#define KEPT __attribute__((section(".noinit")))
#define KEPT_MARK 0x464C5348U

__attribute__((section(".slot"))) static uint8_t slot[BOARD_SLOT_BYTES];
static KEPT fwb_ota_cursor cursors[2];  // the newer one is written while the older one counts
static KEPT uint8_t running[32];
static KEPT uint32_t current, has_cursor, has_running;  // KEPT_MARK = yes; random memory does not look like this

static int is_outside(uint32_t offset, uint16_t bytes) { return offset > sizeof slot || bytes > sizeof slot - offset; }

int board_slot_write(uint32_t offset, const uint8_t* data, uint16_t bytes) {
    uint32_t at;
    uint32_t i;
    if (is_outside(offset, bytes)) return 1;
    for (at = offset; at < offset + bytes; ++at) {
        if (at % BOARD_SECTOR_BYTES == 0)
            for (i = 0; i < BOARD_SECTOR_BYTES; ++i) slot[at + i] = 0xFF;
        slot[at] &= *data++;
    }
    return 0;
}

int board_slot_read(uint32_t offset, uint8_t* data, uint16_t bytes) {
    if (is_outside(offset, bytes)) return 1;
    while (bytes--) *data++ = slot[offset++];
    return 0;
}

void board_keep_cursor(const fwb_ota_cursor* cursor) {
    const uint32_t next = has_cursor == KEPT_MARK && current == 0;
    cursors[next] = *cursor;
    __asm volatile("" ::: "memory");  // the cursor is complete before it counts
    current = next;
    has_cursor = KEPT_MARK;
}

const fwb_ota_cursor* board_kept_cursor(void) { return has_cursor == KEPT_MARK ? &cursors[current & 1] : 0; }

const uint8_t* board_running_sha256(void) { return has_running == KEPT_MARK ? running : 0; }

void board_start_second_slot(void) {
    uint8_t i;
    board_log("starting the second slot");
    for (i = 0; i < sizeof running; ++i) running[i] = cursors[current & 1].sha256[i];
    has_running = KEPT_MARK;
    RESET_CONTROL = RESET_NOW;
    for (;;) {
    }
}
