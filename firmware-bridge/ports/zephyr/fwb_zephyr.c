// The client in a thread of Zephyr, over a UART with interrupts. The tests compile it against stub headers; they do not
// run it.
#include <zephyr/drivers/uart.h>
#include <zephyr/kernel.h>

#include "fwb.h"

K_MSGQ_DEFINE(fwb_bytes, 1, 256, 1);

static fwb_link framer;
static const struct device* line;
static uint32_t sent_ms;

static void on_interrupt(const struct device* device, void* unused) {
    uint8_t byte;
    (void)unused;
    while (uart_irq_update(device) && uart_irq_rx_ready(device)) {
        // A full queue loses the byte; the CRC finds the hole.
        while (uart_fifo_read(device, &byte, 1) == 1) k_msgq_put(&fwb_bytes, &byte, K_NO_WAIT);
    }
}

static void put(void* io, uint8_t byte) {
    (void)io;
    uart_poll_out(line, byte);
}

// For fwb_config.send.
void fwb_zephyr_send(void* io, const uint8_t* head, uint8_t head_bytes, const uint8_t* body, uint8_t body_bytes);
void fwb_zephyr_send(void* io, const uint8_t* head, uint8_t head_bytes, const uint8_t* body, uint8_t body_bytes) {
    const uint32_t now_ms = k_uptime_get_32();
    fwb_link_send(put, io, head, head_bytes, body, body_bytes, now_ms - sent_ms >= 20);
    sent_ms = now_ms;
}

// Runs the client, for example in a thread of its own; `work` is called at least every 100 ms and may publish.
void fwb_zephyr_run(fwb* c, const struct device* uart, void (*work)(fwb* c, uint32_t now_ms));
void fwb_zephyr_run(fwb* c, const struct device* uart, void (*work)(fwb* c, uint32_t now_ms)) {
    line = uart;
    fwb_link_init(&framer);
    uart_irq_callback_user_data_set(uart, on_interrupt, NULL);
    uart_irq_rx_enable(uart);
    fwb_open(c, k_uptime_get_32());
    while (1) {
        const uint32_t next_ms = fwb_poll(c, k_uptime_get_32());
        uint8_t byte;
        if (k_msgq_get(&fwb_bytes, &byte, K_MSEC(next_ms < 100 ? next_ms : 100)) == 0) {
            const uint8_t bytes = fwb_link_byte(&framer, byte);
            if (bytes) fwb_input(c, FWB_LINK_PACKET(&framer), bytes, k_uptime_get_32());
        }
        work(c, k_uptime_get_32());
    }
}
