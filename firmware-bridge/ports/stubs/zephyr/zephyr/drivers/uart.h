// What the port uses of Zephyr's UART driver, declared only.
#ifndef STUB_ZEPHYR_UART_H
#define STUB_ZEPHYR_UART_H

#include <stdint.h>

struct device;
typedef void (*uart_irq_callback_user_data_t)(const struct device* device, void* data);

int uart_irq_callback_user_data_set(const struct device* device, uart_irq_callback_user_data_t callback, void* data);
void uart_irq_rx_enable(const struct device* device);
int uart_irq_update(const struct device* device);
int uart_irq_rx_ready(const struct device* device);
int uart_fifo_read(const struct device* device, uint8_t* data, int size);
void uart_poll_out(const struct device* device, unsigned char byte);

#endif
