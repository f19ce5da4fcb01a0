// What this example needs of a board beside ports/cortex-m.
#ifndef OTA_BOARD_H
#define OTA_BOARD_H

#include "fwb_cortex_m.h"
#include "fwb_ota.h"

// Starts the line, its interrupt and a tick of 1 ms; their handlers call fwb_cortex_m_uart and fwb_cortex_m_tick.
void board_start(fwb_cortex_m* port);
// A number that differs between boards and between starts: of a random generator, or the chip's number and a counter.
uint16_t board_seed(void);
void board_log(const char* text);  // a line on the console

#define BOARD_SECTOR_BYTES 1024  // of flash: erased as a whole

// The second slot of the flash, which does not run. 0 = done. Writing erases each sector that begins in the data.
int board_slot_write(uint32_t offset, const uint8_t* data, uint16_t bytes);
int board_slot_read(uint32_t offset, uint8_t* data, uint16_t bytes);
uint32_t board_slot_bytes(void);

// A place that survives resets. The cursor that was kept last, or NULL.
void board_keep_cursor(const fwb_ota_cursor* cursor);
const fwb_ota_cursor* board_kept_cursor(void);

// The SHA-256 of the image that runs, as the bootloader knows it, or NULL.
const uint8_t* board_running_sha256(void);
// Tells the bootloader to check the signature of the second slot and to start it, then resets.
void board_start_second_slot(void);

#endif
