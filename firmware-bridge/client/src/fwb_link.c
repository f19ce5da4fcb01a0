// Link format 1: packets on a serial line.
//
//   frame := [00] cobs(packet crc) 00      crc := CRC-16/CCITT-FALSE of the packet, big endian
//   packet := one MQTT-SN message of 2 to 250 bytes
//
// COBS removes the zeros, so a zero always ends a frame and a receiver finds the next frame after any noise. At 250
// bytes a block never reaches 254, and so the special case of full COBS blocks does not exist here.
#include "fwb.h"

#define CRC_BYTES 2
#define CRC_START 0xFFFF
#define PACKET_MIN 2

// The eight steps of the shift register for the polynomial 0x1021 in one, without a table.
static unsigned crc_add(unsigned crc, unsigned byte) {
    unsigned x = crc >> 8 ^ byte;
    x ^= x >> 4;
    return (crc << 8 ^ x << 12 ^ x << 5 ^ x) & 0xFFFF;
}

// ---------------------------------------------------------------------------------------------------------------------
// Receiving

// Each block stands for a zero and the bytes behind the zero. The zero of the first block is in frame[0], and the
// packet begins behind it; so `bytes` is 0 only between frames.

void fwb_link_init(fwb_link* link) {
    link->bad_frames = 0;
    link->bytes = 0;
    link->block_rest = 0;
}

// Size of the packet in the frame that has just ended, or 0.
static unsigned packet_size(const fwb_link* link) {
    const unsigned bytes = link->bytes;
    unsigned crc = CRC_START;
    unsigned i;
    if (link->block_rest != 0 || bytes < 1 + PACKET_MIN + CRC_BYTES || bytes > sizeof link->frame) return 0;
    for (i = 1; i < bytes; ++i) crc = crc_add(crc, link->frame[i]);
    return crc == 0 ? bytes - 1 - CRC_BYTES : 0;  // a packet followed by its CRC has the CRC 0
}

uint8_t fwb_link_byte(fwb_link* link, uint8_t byte) {
    unsigned packet_bytes = 0;
    unsigned bytes = link->bytes;
    if (byte == 0) {
        if (bytes == 0) return 0;  // an empty frame: the zero that ends noise
        packet_bytes = packet_size(link);
        if (packet_bytes == 0) ++link->bad_frames;
        link->bytes = 0;
        link->block_rest = 0;
        return (uint8_t)packet_bytes;
    }
    if (link->block_rest == 0) {
        link->block_rest = byte;  // the size of the block, which counts itself
        byte = 0;
    }
    --link->block_rest;
    if (bytes < sizeof link->frame) link->frame[bytes] = byte;
    if (bytes <= sizeof link->frame) link->bytes = (uint8_t)(bytes + 1);  // one more than there is room: too long
    return 0;
}

// ---------------------------------------------------------------------------------------------------------------------
// Sending

typedef struct contents {  // head, body and CRC as one sequence
    const uint8_t* head;
    const uint8_t* body;
    unsigned head_bytes;
    unsigned packet_bytes;
    unsigned crc;
} contents;

static uint8_t at(const contents* c, unsigned i) {
    if (i < c->head_bytes) return c->head[i];
    if (i < c->packet_bytes) return c->body[i - c->head_bytes];
    return (uint8_t)(i == c->packet_bytes ? c->crc >> 8 : c->crc);
}

void fwb_link_send(void (*put)(void* io, uint8_t byte), void* io, const uint8_t* head, uint8_t head_bytes,
                   const uint8_t* body, uint8_t body_bytes, uint8_t is_idle) {
    contents c = {head, body, head_bytes, (unsigned)head_bytes + body_bytes, CRC_START};
    const unsigned end = c.packet_bytes + CRC_BYTES;
    unsigned i;
    for (i = 0; i < c.packet_bytes; ++i) c.crc = crc_add(c.crc, at(&c, i));
    if (is_idle) put(io, 0);
    for (i = 0; i <= end; ++i) {
        unsigned zero = i;  // where the block ends
        while (zero < end && at(&c, zero) != 0) ++zero;
        put(io, (uint8_t)(zero - i + 1));
        for (; i < zero; ++i) put(io, at(&c, i));
    }
    put(io, 0);
}
