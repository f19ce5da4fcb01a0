// The client on a computer with POSIX: over a serial line or UDP. Tests and gateways-in-between use it; it runs here.
#ifndef FWB_POSIX_H
#define FWB_POSIX_H

#include <termios.h>

#include "fwb.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct fwb_posix {
    int file;  // of the line or the socket; -1 = not open
    uint8_t is_line;
    uint32_t sent_ms;
    fwb_link link;
    void* firmware;  // for the callbacks of the firmware, whose `io` is this structure
} fwb_posix;

// Both return 0, or -1 with errno. `baud` is a constant such as B115200.
int fwb_posix_serial(fwb_posix* port, const char* path, speed_t baud);
int fwb_posix_udp(fwb_posix* port, const char* host, const char* service);

uint32_t fwb_posix_now_ms(void);
// For fwb_config.send.
void fwb_posix_send(void* io, const uint8_t* head, uint8_t head_bytes, const uint8_t* body, uint8_t body_bytes);
// Waits for bytes or for the timer of the client, at most `wait_max_ms`. Returns -1 when the line is gone.
int fwb_posix_step(fwb_posix* port, fwb* c, uint32_t wait_max_ms);

#ifdef __cplusplus
}
#endif

#endif
