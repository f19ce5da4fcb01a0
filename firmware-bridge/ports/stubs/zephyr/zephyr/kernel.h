// What the port uses of Zephyr's kernel, declared only.
#ifndef STUB_ZEPHYR_KERNEL_H
#define STUB_ZEPHYR_KERNEL_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    int64_t ticks;
} k_timeout_t;
struct k_msgq {
    size_t message_bytes;
};

#define K_MSGQ_DEFINE(name, size, count, align) static struct k_msgq name = {size}
#define K_NO_WAIT ((k_timeout_t){0})
#define K_MSEC(ms) ((k_timeout_t){(int64_t)(ms)})

int k_msgq_put(struct k_msgq* queue, const void* data, k_timeout_t timeout);
int k_msgq_get(struct k_msgq* queue, void* data, k_timeout_t timeout);
uint32_t k_uptime_get_32(void);

#endif
