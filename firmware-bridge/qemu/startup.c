// Vectors and the way to main(), for a Cortex-M3. A fault ends QEMU with status 3, so that a test sees it at once.
#include "mps2.h"

extern uint32_t data_load[], data_begin[], data_end[], bss_begin[], bss_end[], stack_top[];
int main(void);
void Reset_Handler(void);

static void on_fault(void) { mps2_exit(3); }

void Reset_Handler(void) {
    uint32_t* from = data_load;
    uint32_t* to;
    for (to = data_begin; to < data_end; ++to) *to = *from++;
    for (to = bss_begin; to < bss_end; ++to) *to = 0;
    mps2_exit((uint32_t)main());
}

typedef void (*Vector)(void);
__attribute__((section(".vectors"), used)) static const Vector vectors[] = {
    (Vector)(uintptr_t)stack_top,
    Reset_Handler,
    on_fault,  // NMI
    on_fault,  // HardFault
    on_fault,  // MemManage
    on_fault,  // BusFault
    on_fault,  // UsageFault
    0,
    0,
    0,
    0,
    on_fault,  // SVCall
    on_fault,  // debug monitor
    0,
    on_fault,         // PendSV
    SysTick_Handler,  // each millisecond
    UART0_RX_Handler,
};
