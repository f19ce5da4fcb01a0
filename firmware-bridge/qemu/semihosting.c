// Calls to QEMU (Arm semihosting, with the option -semihosting-config enable=on).
#include "mps2.h"

#define SYS_TIME 0x11U
#define SYS_GET_CMDLINE 0x15U
#define SYS_EXIT_EXTENDED 0x20U
#define STOPPED_BY_APPLICATION 0x20026U

static uint32_t call(uint32_t operation, void* arguments) {
    register uint32_t r0 __asm("r0") = operation;
    register void* r1 __asm("r1") = arguments;
    __asm volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

void mps2_exit(uint32_t status) {
    uint32_t arguments[2] = {STOPPED_BY_APPLICATION, status};
    call(SYS_EXIT_EXTENDED, arguments);
    for (;;) {
    }
}

const char* mps2_arguments(void) {
    static char text[160];
    struct {
        char* text;
        uint32_t bytes;
    } arguments = {text, sizeof text};
    if (call(SYS_GET_CMDLINE, &arguments) != 0) text[0] = 0;
    return text;
}

uint32_t mps2_time_s(void) { return call(SYS_TIME, 0); }
