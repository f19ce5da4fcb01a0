// SHA-256 [FIPS 180-4] and HMAC-SHA256 [RFC 2104]. Small rather than fast: the message schedule has 16 words, not 64.
#include "fwb.h"

#define BLOCK_BYTES 64

static const uint32_t round_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static const uint32_t first_state[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                        0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

static uint32_t turned(uint32_t x, unsigned bits) { return x >> bits | x << (32 - bits); }

// [FIPS 180-4, 6.2.2] one block. w holds the last 16 words of the message schedule, in a ring.
static void compress(fwb_sha256* hash) {
    uint32_t w[16];
    uint32_t s[8];
    unsigned i;
    for (i = 0; i < 8; ++i) s[i] = hash->state[i];
    for (i = 0; i < 64; ++i) {
        uint32_t* word = &w[i % 16];
        uint32_t t1;
        uint32_t t2;
        if (i < 16) {
            const uint8_t* b = &hash->block[4 * i];
            *word = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
        } else {
            const uint32_t w2 = w[(i - 2) % 16];
            const uint32_t w15 = w[(i - 15) % 16];
            *word += (turned(w2, 17) ^ turned(w2, 19) ^ w2 >> 10) + w[(i - 7) % 16] +
                     (turned(w15, 7) ^ turned(w15, 18) ^ w15 >> 3);
        }
        t1 = s[7] + (turned(s[4], 6) ^ turned(s[4], 11) ^ turned(s[4], 25)) + ((s[4] & s[5]) ^ (~s[4] & s[6])) +
             round_constants[i] + *word;
        t2 = (turned(s[0], 2) ^ turned(s[0], 13) ^ turned(s[0], 22)) + ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
        s[7] = s[6];
        s[6] = s[5];
        s[5] = s[4];
        s[4] = s[3] + t1;
        s[3] = s[2];
        s[2] = s[1];
        s[1] = s[0];
        s[0] = t1 + t2;
    }
    for (i = 0; i < 8; ++i) hash->state[i] += s[i];
}

void fwb_sha256_init(fwb_sha256* hash) {
    unsigned i;
    for (i = 0; i < 8; ++i) hash->state[i] = first_state[i];
    hash->total_bytes = 0;
}

static void add_byte(fwb_sha256* hash, uint8_t byte) {
    hash->block[hash->total_bytes++ % BLOCK_BYTES] = byte;
    if (hash->total_bytes % BLOCK_BYTES == 0) compress(hash);
}

void fwb_sha256_add(fwb_sha256* hash, const uint8_t* data, uint32_t bytes) {
    while (bytes-- > 0) add_byte(hash, *data++);
}

// [FIPS 180-4, 5.1.1] a one bit, zeros, and the number of bits in 64 bits end the last block.
void fwb_sha256_end(fwb_sha256* hash, uint8_t digest[32]) {
    const uint32_t bytes = hash->total_bytes;
    unsigned i;
    add_byte(hash, 0x80);
    while (hash->total_bytes % BLOCK_BYTES != BLOCK_BYTES - 8) add_byte(hash, 0);
    for (i = 0; i < 3; ++i) add_byte(hash, 0);
    add_byte(hash, (uint8_t)(bytes >> 29));
    for (i = 0; i < 4; ++i) add_byte(hash, (uint8_t)(bytes << 3 >> (24 - 8 * i)));
    for (i = 0; i < 32; ++i) digest[i] = (uint8_t)(hash->state[i / 4] >> (24 - 8 * (i % 4)));
}

// The key, filled up with zeros to a block and combined with the pad.
static void add_padded_key(fwb_sha256* hash, const uint8_t* key, uint32_t key_bytes, uint8_t pad) {
    uint8_t digest[32];
    uint32_t i;
    if (key_bytes > BLOCK_BYTES) {
        fwb_sha256_init(hash);
        fwb_sha256_add(hash, key, key_bytes);
        fwb_sha256_end(hash, digest);
        key = digest;
        key_bytes = sizeof digest;
    }
    fwb_sha256_init(hash);
    for (i = 0; i < BLOCK_BYTES; ++i) add_byte(hash, (uint8_t)((i < key_bytes ? key[i] : 0) ^ pad));
}

void fwb_hmac_start(fwb_sha256* hash, const uint8_t* key, uint32_t key_bytes) {
    add_padded_key(hash, key, key_bytes, 0x36);
}

void fwb_hmac_end(fwb_sha256* hash, const uint8_t* key, uint32_t key_bytes, uint8_t tag[32]) {
    uint8_t inner[32];
    fwb_sha256_end(hash, inner);
    add_padded_key(hash, key, key_bytes, 0x5c);
    fwb_sha256_add(hash, inner, sizeof inner);
    fwb_sha256_end(hash, tag);
}
