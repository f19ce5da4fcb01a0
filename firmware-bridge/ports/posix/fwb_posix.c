#define _DEFAULT_SOURCE
#include "fwb_posix.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

int fwb_posix_serial(fwb_posix* port, const char* path, speed_t baud) {
    struct termios line;
    fwb_link_init(&port->link);
    port->is_line = 1;
    port->file = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK);
    if (port->file < 0 || tcgetattr(port->file, &line) != 0) return -1;
    cfmakeraw(&line);
    cfsetspeed(&line, baud);
    return tcsetattr(port->file, TCSAFLUSH, &line);  // bytes from before are dropped
}

int fwb_posix_udp(fwb_posix* port, const char* host, const char* service) {
    struct addrinfo hints = {0};
    struct addrinfo* found = NULL;
    int result = -1;
    hints.ai_socktype = SOCK_DGRAM;
    port->is_line = 0;
    port->file = -1;
    if (getaddrinfo(host, service, &hints, &found) != 0) return -1;
    port->file = socket(found->ai_family, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    if (port->file >= 0) result = connect(port->file, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    return result;
}

uint32_t fwb_posix_now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint32_t)now.tv_sec * 1000U + (uint32_t)(now.tv_nsec / 1000000);
}

static void put(void* io, uint8_t byte) {
    // What the line does not take is lost as on any line; the client repeats.
    if (write(((fwb_posix*)io)->file, &byte, 1) < 0) errno = 0;
}

void fwb_posix_send(void* io, const uint8_t* head, uint8_t head_bytes, const uint8_t* body, uint8_t body_bytes) {
    fwb_posix* port = (fwb_posix*)io;
    const uint32_t now_ms = fwb_posix_now_ms();
    struct iovec parts[2] = {{(void*)(uintptr_t)head, head_bytes}, {(void*)(uintptr_t)body, body_bytes}};
    if (port->is_line) {
        fwb_link_send(put, port, head, head_bytes, body, body_bytes, now_ms - port->sent_ms >= 20);
    } else if (writev(port->file, parts, 2) < 0) {
        errno = 0;
    }
    port->sent_ms = now_ms;
}

int fwb_posix_step(fwb_posix* port, fwb* c, uint32_t wait_max_ms) {
    uint8_t bytes[256];
    const uint32_t next_ms = fwb_poll(c, fwb_posix_now_ms());
    struct pollfd wanted = {port->file, POLLIN, 0};
    ssize_t size;
    ssize_t i;
    poll(&wanted, 1, (int)(next_ms < wait_max_ms ? next_ms : wait_max_ms));
    size = wanted.revents ? read(port->file, bytes, sizeof bytes) : -1;
    if (port->is_line && (size == 0 || (size < 0 && (wanted.revents & (POLLHUP | POLLERR))))) return -1;
    if (!port->is_line && size > 0) fwb_input(c, bytes, (uint16_t)size, fwb_posix_now_ms());
    for (i = 0; port->is_line && i < size; ++i) {
        const uint8_t packet_bytes = fwb_link_byte(&port->link, bytes[i]);
        if (packet_bytes) fwb_input(c, FWB_LINK_PACKET(&port->link), packet_bytes, fwb_posix_now_ms());
    }
    return 0;
}
