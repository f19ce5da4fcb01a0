// What the examples need of a board beside ports/cortex-m, which moves the bytes. ../qemu/board.c is the emulated
// board; for another one, write these functions anew.
#ifndef BOARD_H
#define BOARD_H

#include "fwb_cortex_m.h"
#include "fwb_ota.h"

// Starts the line, its interrupt and a tick of 1 ms; their handlers call fwb_cortex_m_uart and fwb_cortex_m_tick.
void board_start(fwb_cortex_m* port);

// A number that differs between boards and between starts: of a random generator, or the chip's number and a counter.
uint16_t board_seed(void);

// The next reading of the sensor as text, and its size; 0 = there is no new one yet.
#define BOARD_READING_BYTES 24
uint8_t board_reading(char text[BOARD_READING_BYTES]);

void board_output(uint8_t is_on);    // the valve, lamp or relay
void board_receiver(uint8_t is_on);  // off saves power; bytes that come meanwhile are lost
void board_log(const char* text);    // a line on the console

// For ota_pull.c only: the second slot of the flash, which does not run. 0 = done. Writing erases each sector that
// begins in the data.
#define BOARD_SECTOR_BYTES 1024
#define BOARD_SLOT_BYTES (256 * 1024UL)
int board_slot_write(uint32_t offset, const uint8_t* data, uint16_t bytes);
int board_slot_read(uint32_t offset, uint8_t* data, uint16_t bytes);

// A place that survives resets and holds the whole cursor or the one before, whenever the power fails. NULL = none.
void board_keep_cursor(const fwb_ota_cursor* cursor);
const fwb_ota_cursor* board_kept_cursor(void);

// The SHA-256 of the image that runs, as the bootloader knows it, or NULL.
const uint8_t* board_running_sha256(void);
// Tells the bootloader to check the signature of the image of the kept cursor and to start it, and resets.
void board_start_second_slot(void);

// Pause before an unanswered packet is sent again. A second suits a line on which the gateway may be busy.
#ifndef BOARD_RETRY_MS
#define BOARD_RETRY_MS 1000
#endif
// So many repetitions without an answer mean that the gateway is gone. A noisy line wants more of them.
#ifndef BOARD_RETRIES
#define BOARD_RETRIES 4
#endif

#endif
