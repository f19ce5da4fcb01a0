// The client on a Cortex-M without an operating system, over a UART. The examples use it, and the tests run them in an
// emulated Cortex-M3. The board gives the three functions at the end; they are a few lines each.
#ifndef FWB_CORTEX_M_H
#define FWB_CORTEX_M_H

#include "fwb.h"

typedef struct fwb_cortex_m {
    fwb_link link;
    volatile uint32_t now_ms;
    volatile uint8_t head;  // written by the interrupt only
    volatile uint8_t tail;  // written by the main loop only
    volatile uint16_t overruns;
    uint32_t sent_ms;
    uint8_t ring[256];  // the indices are bytes: they wrap around by themselves
} fwb_cortex_m;

// Before the interrupts are on. `now_ms` keeps its value: any will do.
void fwb_cortex_m_init(fwb_cortex_m* port);

void fwb_cortex_m_tick(fwb_cortex_m* port);          // from SysTick_Handler, each millisecond
void fwb_cortex_m_uart(fwb_cortex_m* port);          // from the handler of the UART
void fwb_cortex_m_step(fwb_cortex_m* port, fwb* c);  // from the main loop; sleeps until the next interrupt
void fwb_cortex_m_wait(fwb_cortex_m* port);          // only sleeps, for a firmware without a client
void fwb_cortex_m_send(void* io, const uint8_t* head, uint8_t head_bytes, const uint8_t* body, uint8_t body_bytes);

void board_uart_put(uint8_t byte);  // waits for room in the UART
int board_uart_get(void);           // a received byte, or -1
void board_uart_clear_interrupt(void);
#endif
