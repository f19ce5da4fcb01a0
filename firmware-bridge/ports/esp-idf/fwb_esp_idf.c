// The client in a task of ESP-IDF, over a UART. The tests compile it against stub headers; they do not run it.
#include "driver/uart.h"
#include "esp_timer.h"
#include "fwb.h"

#define RING_BYTES 512

static fwb_link framer;
static uart_port_t line;
static uint32_t sent_ms;

static uint32_t now_ms(void) { return (uint32_t)(esp_timer_get_time() / 1000); }

static void put(void* io, uint8_t byte) {
    (void)io;
    uart_write_bytes(line, &byte, 1);
}

// For fwb_config.send.
void fwb_esp_idf_send(void* io, const uint8_t* head, uint8_t head_bytes, const uint8_t* body, uint8_t body_bytes);
void fwb_esp_idf_send(void* io, const uint8_t* head, uint8_t head_bytes, const uint8_t* body, uint8_t body_bytes) {
    fwb_link_send(put, io, head, head_bytes, body, body_bytes, now_ms() - sent_ms >= 20);
    sent_ms = now_ms();
}

// Runs the client in a task; the pins of `uart` are set before. `work` is called at least every 100 ms and may publish.
void fwb_esp_idf_run(fwb* c, uart_port_t uart, int baud, void (*work)(fwb* c, uint32_t now));
void fwb_esp_idf_run(fwb* c, uart_port_t uart, int baud, void (*work)(fwb* c, uint32_t now)) {
    uart_config_t config = {0};
    config.baud_rate = baud;
    config.data_bits = UART_DATA_8_BITS;
    config.parity = UART_PARITY_DISABLE;
    config.stop_bits = UART_STOP_BITS_1;
    config.flow_ctrl = UART_HW_FLOWCTRL_DISABLE;
    ESP_ERROR_CHECK(uart_driver_install(uart, RING_BYTES, RING_BYTES, 0, NULL, 0));
    ESP_ERROR_CHECK(uart_param_config(uart, &config));
    line = uart;
    fwb_link_init(&framer);
    fwb_open(c, now_ms());
    while (1) {
        const uint32_t next_ms = fwb_poll(c, now_ms());
        uint8_t bytes[32];
        int i;
        // At least one tick, so that the idle task of the system runs.
        const int size = uart_read_bytes(uart, bytes, sizeof bytes, pdMS_TO_TICKS(next_ms < 100 ? next_ms : 100) + 1);
        for (i = 0; i < size; ++i) {
            const uint8_t packet_bytes = fwb_link_byte(&framer, bytes[i]);
            if (packet_bytes) fwb_input(c, FWB_LINK_PACKET(&framer), packet_bytes, now_ms());
        }
        work(c, now_ms());
    }
}
