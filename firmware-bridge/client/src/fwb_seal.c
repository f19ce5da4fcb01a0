// The envelope of a packet: who has sent it, a counter, and a tag that only the holders of the secret can make.
//
//   envelope := length:u8 FF flags:u8 scheme:u8 sender:8*u8 random:4*u8 counter:u32be packet tag:8*u8
//
// These are the fields of the Protection Encapsulation of MQTT-SN 2.0 [3.17]; type FF is reserved in MQTT-SN 1.2, so
// that no packet of 1.2 can be mistaken for an envelope.
#include "fwb.h"

#define HEAD_BYTES 20
#define COUNTER_AT 16
#define TAG_BYTES 8
#define PROTECTION 0xFF
#define PROTECTION_FLAGS 0x42  // tag of 4 * 16 bits, no cryptographic material, counter of 32 bits
#define HMAC_SHA256 0x00

static void copy(uint8_t* to, const uint8_t* from, unsigned bytes) {
    while (bytes-- > 0) *to++ = *from++;
}

void fwb_name_key(fwb_key* key, const char* client_id) {
    fwb_sha256 hash;
    uint8_t digest[32];
    uint8_t i;
    fwb_sha256_init(&hash);
    while (*client_id != 0) fwb_sha256_add(&hash, (const uint8_t*)client_id++, 1);
    fwb_sha256_end(&hash, digest);
    for (i = 0; i < 8; ++i) {
        key->device[i] = digest[i];
        key->gateway[i] = (uint8_t)~digest[i];
    }
}

static void put_u32(uint8_t* to, uint32_t value) {
    unsigned i;
    for (i = 0; i < 4; ++i) to[i] = (uint8_t)(value >> (24 - 8 * i));
}

// Tag over all bytes in front of the tag.
static void make_tag(const fwb_key* key, const uint8_t* bytes, unsigned size, uint8_t tag[32]) {
    fwb_sha256 hash;
    fwb_hmac_start(&hash, key->secret, sizeof key->secret);
    fwb_sha256_add(&hash, bytes, size);
    fwb_hmac_end(&hash, key->secret, sizeof key->secret, tag);
}

uint8_t fwb_seal(fwb_seals* seals, const uint8_t* head, uint8_t head_bytes, const uint8_t* body, uint8_t body_bytes,
                 uint32_t random, uint8_t* out) {
    const unsigned bytes = FWB_SEAL_BYTES + (unsigned)head_bytes + body_bytes;
    uint8_t tag[32];
    // A counter is never used twice: after 2^32 packets the device needs a new key.
    if (bytes > FWB_MTU || seals->sent == UINT32_MAX) return 0;
    out[0] = (uint8_t)bytes;
    out[1] = PROTECTION;
    out[2] = PROTECTION_FLAGS;
    out[3] = HMAC_SHA256;
    copy(out + 4, seals->key->device, 8);
    put_u32(out + 12, random);
    put_u32(out + COUNTER_AT, ++seals->sent);
    copy(out + HEAD_BYTES, head, head_bytes);
    copy(out + HEAD_BYTES + head_bytes, body, body_bytes);
    make_tag(seals->key, out, bytes - TAG_BYTES, tag);
    copy(out + bytes - TAG_BYTES, tag, TAG_BYTES);
    return (uint8_t)bytes;
}

// Compares in a time that does not depend on the contents.
static uint8_t differs(const uint8_t* a, const uint8_t* b, unsigned bytes) {
    uint8_t difference = 0;
    while (bytes-- > 0) difference |= (uint8_t)(*a++ ^ *b++);
    return difference;
}

uint8_t fwb_unseal(fwb_seals* seals, const uint8_t* packet, uint16_t bytes, const uint8_t** inner) {
    const uint8_t* c;
    uint8_t tag[32];
    uint32_t counter;
    if (bytes <= FWB_SEAL_BYTES || bytes > FWB_MTU || packet[0] != bytes || packet[1] != PROTECTION) return 0;
    if (packet[2] != PROTECTION_FLAGS || packet[3] != HMAC_SHA256) return 0;
    // The gateway's own identifier: an envelope of this device that comes back is not accepted.
    if (differs(packet + 4, seals->key->gateway, 8)) return 0;
    c = packet + COUNTER_AT;
    counter = (uint32_t)c[0] << 24 | (uint32_t)c[1] << 16 | (uint32_t)c[2] << 8 | c[3];
    if (counter <= seals->seen) return 0;
    make_tag(seals->key, packet, bytes - TAG_BYTES, tag);
    if (differs(packet + bytes - TAG_BYTES, tag, TAG_BYTES)) return 0;
    seals->seen = counter;
    *inner = packet + HEAD_BYTES;
    return (uint8_t)(bytes - FWB_SEAL_BYTES);
}
