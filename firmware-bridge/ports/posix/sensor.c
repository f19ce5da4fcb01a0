// A sensor for a terminal: sensor DEVICE | sensor HOST PORT. Sends a number every second until it is stopped.
#include <stdio.h>

#include "fwb_posix.h"

static const fwb_topic topics[] = {FWB_PUB("sensors/demo/temperature"), FWB_SUB("sensors/demo/set", 1)};

static void on_event(void* io, uint8_t event, uint8_t argument) {
    static const char* const names[] = {"ready", "lost", "delivered", "rejected", "asleep", "closed", "gateway"};
    (void)io;
    printf("%s %u\n", names[event], argument);
}

static uint8_t on_message(void* io, const fwb_message* m) {
    (void)io;
    printf("message: %.*s\n", (int)m->bytes, (const char*)m->data);
    return FWB_ACCEPTED;
}

int main(int argc, char** argv) {
    const fwb_config config = {
        "demo-sensor", topics, NULL, fwb_posix_send, on_event, on_message, NULL, 30, 1000, 4, 0, 2};
    fwb_posix port = {0};
    fwb client;
    uint16_t ids[2];
    uint32_t next_ms = fwb_posix_now_ms();
    int number = 0;
    if (argc != 2 && argc != 3) return fprintf(stderr, "usage: sensor DEVICE | sensor HOST PORT\n"), 2;
    if ((argc == 2 ? fwb_posix_serial(&port, argv[1], B115200) : fwb_posix_udp(&port, argv[1], argv[2])) != 0) {
        return perror(argv[1]), 1;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    fwb_init(&client, &config, ids, &port, (uint16_t)next_ms);
    fwb_open(&client, next_ms);
    while (fwb_posix_step(&port, &client, 100) == 0) {
        char text[16];
        if ((int32_t)(fwb_posix_now_ms() - next_ms) < 0) continue;
        next_ms += 1000;
        const int size = snprintf(text, sizeof text, "%d", number);
        if (fwb_publish(&client, 0, FWB_QOS1, text, (uint16_t)size, fwb_posix_now_ms()) == FWB_OK) ++number;
    }
    return fprintf(stderr, "the line is gone\n"), 1;
}
