// What the port uses of ESP-IDF's UART driver and of FreeRTOS, declared only.
#ifndef STUB_ESP_UART_H
#define STUB_ESP_UART_H

#include <stddef.h>
#include <stdint.h>

typedef int esp_err_t;
typedef int uart_port_t;
typedef uint32_t TickType_t;
enum { UART_DATA_8_BITS = 3, UART_PARITY_DISABLE = 0, UART_STOP_BITS_1 = 1, UART_HW_FLOWCTRL_DISABLE = 0 };

typedef struct {
    int baud_rate;
    int data_bits;
    int parity;
    int stop_bits;
    int flow_ctrl;
} uart_config_t;

#define ESP_ERROR_CHECK(call) ((void)(call))
#define pdMS_TO_TICKS(ms) ((TickType_t)((ms) / 10))

esp_err_t uart_driver_install(uart_port_t port, int rx_bytes, int tx_bytes, int queue_size, void* queue, int flags);
esp_err_t uart_param_config(uart_port_t port, const uart_config_t* config);
int uart_read_bytes(uart_port_t port, void* data, uint32_t size, TickType_t ticks);
int uart_write_bytes(uart_port_t port, const void* data, size_t size);

#endif
