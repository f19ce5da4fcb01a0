#include "fwb_cortex_m.h"

#include "cmsis_compiler.h"

#define IDLE_MS 20U  // a line that was silent for so long gets a zero in front of the next frame

// The first frame gets that zero too: a reset may have left half a frame behind.
void fwb_cortex_m_init(fwb_cortex_m* port) {
    fwb_link_init(&port->link);
    port->head = port->tail = 0;
    port->overruns = 0;
    port->sent_ms = port->now_ms - IDLE_MS;
}

void fwb_cortex_m_tick(fwb_cortex_m* port) { port->now_ms = port->now_ms + 1; }

// Clear first, then drain. The other way round, a byte that arrives in between has its interrupt cleared with the
// others, nobody fetches it, and the line is dead for ever.
void fwb_cortex_m_uart(fwb_cortex_m* port) {
    int byte;
    board_uart_clear_interrupt();
    while ((byte = board_uart_get()) >= 0) {
        const uint8_t next = (uint8_t)(port->head + 1);
        if (next == port->tail) {
            port->overruns = (uint16_t)(port->overruns + 1);  // the CRC finds the hole
            continue;
        }
        port->ring[port->head] = (uint8_t)byte;
        port->head = next;
    }
}

static void put(void* io, uint8_t byte) {
    (void)io;
    board_uart_put(byte);
}

void fwb_cortex_m_send(void* io, const uint8_t* head, uint8_t head_bytes, const uint8_t* body, uint8_t body_bytes) {
    fwb_cortex_m* port = (fwb_cortex_m*)io;
    fwb_link_send(put, port, head, head_bytes, body, body_bytes, port->now_ms - port->sent_ms >= IDLE_MS);
    port->sent_ms = port->now_ms;
}

void fwb_cortex_m_step(fwb_cortex_m* port, fwb* c) {
    while (port->tail != port->head) {
        const uint8_t bytes = fwb_link_byte(&port->link, port->ring[port->tail]);
        port->tail = (uint8_t)(port->tail + 1);
        if (bytes) fwb_input(c, FWB_LINK_PACKET(&port->link), bytes, port->now_ms);
    }
    fwb_poll(c, port->now_ms);
    fwb_cortex_m_wait(port);
}

void fwb_cortex_m_wait(fwb_cortex_m* port) {
    // With interrupts disabled, WFI still ends at a pending one: no byte can slip in between the test and the sleep.
    __disable_irq();
    if (port->tail == port->head) __WFI();
    __enable_irq();
}
