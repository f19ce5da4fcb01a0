// fwb.h: an MQTT-SN 1.2 client for microcontrollers, and the only header that firmware includes, but for downloads of
// firmware (fwb_ota.h).
//
// C99 without heap, globals, I/O, clock and library calls. Bytes and milliseconds go in, bytes come out: the firmware
// owns the serial line or the socket, and the clock. No function blocks. One `fwb` is used from one thread or one
// interrupt level only. ../README.md shows a whole program, ../PROTOCOL.md the bytes on the wire.
#ifndef FWB_H
#define FWB_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Size of the largest packet that the device sends or accepts, 32 to 250 bytes. All files of the client and of the
// firmware must be compiled with one value.
#ifndef FWB_MTU
#define FWB_MTU 96
#endif

// Parts of the client. 0 leaves a part out; the compiler then removes its code. Give the values with -D.
#ifndef FWB_WITH_SUBSCRIBE
#define FWB_WITH_SUBSCRIBE 1  // subscriptions and messages to the device
#endif
#ifndef FWB_WITH_QOS2
#define FWB_WITH_QOS2 1  // QoS 2 in both directions
#endif
#ifndef FWB_WITH_WILL
#define FWB_WITH_WILL 1
#endif
#ifndef FWB_WITH_WILL_UPDATE
#define FWB_WITH_WILL_UPDATE 0  // fwb_set_will in a connection: WILLTOPICUPD and WILLMSGUPD
#endif
#ifndef FWB_WITH_SLEEP
#define FWB_WITH_SLEEP 1  // fwb_sleep and fwb_check_mail
#endif
#ifndef FWB_WITH_SEARCH
#define FWB_WITH_SEARCH 1  // FWB_SEARCH: the device asks the network for a gateway
#endif
#ifndef FWB_WITH_SEAL
#define FWB_WITH_SEAL 0  // 1 reserves room in each packet for the envelope of fwb_seal
#endif

// The longest pause between two attempts to connect.
#ifndef FWB_BACKOFF_MAX_MS
#define FWB_BACKOFF_MAX_MS 60000
#endif

#define FWB_SEAL_BYTES 28                                                // what the envelope adds to a packet
#define FWB_PACKET_MAX (FWB_MTU - (FWB_WITH_SEAL ? FWB_SEAL_BYTES : 0))  // without the envelope
#define FWB_PAYLOAD_MAX (FWB_PACKET_MAX - 7)                             // what one message can carry

// ---------------------------------------------------------------------------------------------------------------------
// Topics. The table is constant and lives in flash. The client registers and subscribes all of it after every connect.

// How a topic is named on the wire; the values are those of the field TopicIdType.
#define FWB_NAME 0        // by a name, for which the gateway assigns a number
#define FWB_PREDEFINED 1  // by a number that the gateway's configuration knows
#define FWB_SHORT 2       // by a name of two characters

// What the device does with a topic.
#define FWB_PUBLISHES 0x10
#define FWB_UNSUBSCRIBES 0x20
#define FWB_SUBSCRIBES 0x40  // the low bits hold the QoS

typedef struct fwb_topic {
    const char* name;  // for FWB_NAME, else NULL
    uint16_t id;       // for the other kinds
    uint8_t kind;
    uint8_t use;
} fwb_topic;

#define FWB_SHORT_ID(first, second) ((first)*256U + (second))

#define FWB_PUB(topic) \
    { (topic), 0, FWB_NAME, FWB_PUBLISHES }
#define FWB_PUB_ID(id) \
    { 0, (id), FWB_PREDEFINED, FWB_PUBLISHES }
#define FWB_PUB_SHORT(first, second) \
    { 0, FWB_SHORT_ID(first, second), FWB_SHORT, FWB_PUBLISHES }
#define FWB_SUB(filter, qos) \
    { (filter), 0, FWB_NAME, FWB_SUBSCRIBES | (qos) }
#define FWB_SUB_ID(id, qos) \
    { 0, (id), FWB_PREDEFINED, FWB_SUBSCRIBES | (qos) }
#define FWB_SUB_SHORT(first, second, qos) \
    { 0, FWB_SHORT_ID(first, second), FWB_SHORT, FWB_SUBSCRIBES | (qos) }
// Ends a subscription that earlier firmware left in a session without FWB_CLEAN.
#define FWB_UNSUB(filter) \
    { (filter), 0, FWB_NAME, FWB_UNSUBSCRIBES }

// ---------------------------------------------------------------------------------------------------------------------
// Configuration: constant, lives in flash, and must outlive the client.

// Bits of fwb_publish, fwb_will and fwb_message, where they stand on the wire.
#define FWB_QOS0 0x00
#define FWB_QOS1 0x20
#define FWB_QOS2 0x40
#define FWB_QOS_MINUS_1 0x60  // without a session; for FWB_PREDEFINED and FWB_SHORT topics only
#define FWB_RETAIN 0x10
#define FWB_DUP 0x80  // received messages only

typedef struct fwb_will {
    const char* topic;
    const uint8_t* message;
    uint8_t message_bytes;
    uint8_t flags;  // FWB_QOS0, FWB_QOS1 or FWB_QOS2, and FWB_RETAIN
} fwb_will;

typedef struct fwb_message {
    const uint8_t* data;  // valid until the callback returns
    uint16_t id;          // number of the topic, or its two characters
    uint8_t bytes;
    uint8_t topic;  // index in the table, or FWB_NO_TOPIC when a wildcard filter matched
    uint8_t flags;  // FWB_QOS.., FWB_RETAIN, FWB_DUP, and the kind of the topic in the low bits
} fwb_message;

#define FWB_NO_TOPIC 0xFF

// Return codes of MQTT-SN. The callbacks `message` and `name` return one.
#define FWB_ACCEPTED 0
#define FWB_CONGESTION 1
#define FWB_INVALID_TOPIC 2  // the gateway registers the topic again, and sends the message again
#define FWB_NOT_SUPPORTED 3

// What the client tells the firmware, and the meaning of the argument.
enum fwb_event {
    FWB_READY,      // connected, registered and subscribed
    FWB_LOST,       // the gateway is gone; the client connects again by itself
    FWB_DELIVERED,  // the gateway has acknowledged the message of QoS 1 or 2; argument: index of its topic
    FWB_REJECTED,   // argument: index of the topic that the gateway refuses, FWB_NO_TOPIC = the connection, the number
                    // of topics and above = the will
    FWB_ASLEEP,     // the device may switch its receiver off until fwb_poll has something to do
    FWB_CLOSED,     // after fwb_close
    FWB_GATEWAY     // a gateway has answered the search; argument: its number. The packet came from its address.
};

// Bits of fwb_config.flags.
#define FWB_CLEAN 0x04   // the gateway keeps no session while the device is away
#define FWB_SEARCH 0x01  // search for a gateway first (UDP multicast, radio)

typedef struct fwb_config {
    const char* client_id;  // 1 to 23 characters, unique
    const fwb_topic* topics;
    const fwb_will* will;  // or NULL
    // Sends one packet, whose bytes are `head` and then `body`. Must not block and must not call the client.
    void (*send)(void* io, const uint8_t* head, uint8_t head_bytes, const uint8_t* body, uint8_t body_bytes);
    // The firmware may call fwb_publish, fwb_sleep and fwb_close from here, and from `message`.
    void (*event)(void* io, uint8_t event, uint8_t argument);
    // A message. FWB_INVALID_TOPIC is the right answer to an `id` that the firmware does not know. NULL: none expected.
    uint8_t (*message)(void* io, const fwb_message* message);
    // A topic that matches a wildcard filter gets a number; messages carry only that number. NULL: all are accepted.
    uint8_t (*name)(void* io, uint16_t id, const char* name, uint8_t name_bytes);
    uint16_t keep_alive_s;  // 0 = the gateway never misses the device
    uint16_t retry_ms;      // pause before an unanswered packet is sent again: 1000 on a line, 10000 on a radio
    uint8_t retries;        // repetitions before the gateway counts as lost, 3 to 5
    uint8_t flags;
    uint8_t topic_count;  // at most 250
} fwb_config;

// ---------------------------------------------------------------------------------------------------------------------
// The client

// The fields belong to the client. `payload` is the one message in flight: it survives reconnects. The order is that of
// sizes, because a Cortex-M reaches bytes near the start of a structure with shorter instructions.
typedef struct fwb {
    uint8_t state;
    uint8_t marks;
    uint8_t tries;     // repetitions of the request that is unanswered
    uint8_t attempts;  // attempts to connect since the last stable connection
    uint8_t step;      // index of the topic that is registered or subscribed now
    uint8_t phase;     // of the message in flight
    uint8_t topic;
    uint8_t flags;
    uint8_t payload_bytes;
    uint8_t head[7];  // of the packet that is sent now
    uint16_t random;
    uint16_t next_id;      // the message id given last
    uint16_t message_id;   // of the message in flight
    uint16_t received_id;  // of the QoS 2 message received and not yet released, or 0
    uint16_t sleep_s;
    const fwb_config* config;
    void* io;
    uint16_t* ids;          // numbers of the topics of the table, 0 = unknown
    const fwb_will* will;   // what fwb_set_will has said last
    uint32_t due_ms;        // when fwb_poll acts next
    uint32_t connected_ms;  // when the gateway accepted the connection
    uint8_t payload[FWB_PAYLOAD_MAX];
} fwb;

// Results of calls.
#define FWB_OK 0
#define FWB_EBUSY (-1)     // a message waits or is in flight: wait for FWB_DELIVERED
#define FWB_ESTATE (-2)    // not possible in this state, or the gateway has given the topic no number
#define FWB_ESIZE (-3)     // more than FWB_PAYLOAD_MAX
#define FWB_EINVALID (-4)  // no such topic, one of FWB_UNSUB, or an argument that cannot work

// `ids` has config->topic_count places. `seed` should differ between devices and between starts of one device: it
// spreads retries, and it is the first message id: a restarted device must not repeat the id of a QoS 2 message.
void fwb_init(fwb* c, const fwb_config* config, uint16_t* ids, void* io, uint16_t seed);

// Returns FWB_EINVALID when a name or the will does not fit into a packet, or a number is reserved (0 and 0xFFFF). For
// the first start of new firmware, or a test on the host: the client itself does not check the configuration.
int fwb_check(const fwb_config* config);

// Connects, and stays connected. Also wakes a sleeping device for good.
void fwb_open(fwb* c, uint32_t now_ms);

// Sends what is due. Returns after how many milliseconds the next call has something to do. The firmware calls it after
// that time, and after fwb_open, fwb_sleep, fwb_check_mail, fwb_set_will and fwb_close. The clock may wrap around.
uint32_t fwb_poll(fwb* c, uint32_t now_ms);

// One whole packet has arrived: from a datagram, from fwb_link_byte or from fwb_unseal. Returns what fwb_poll returns.
uint32_t fwb_input(fwb* c, const uint8_t* packet, uint16_t bytes, uint32_t now_ms);

// Sends a message, now or as soon as a connection is ready; a sleeping device wakes for it. `flags` is one of
// FWB_QOS0, FWB_QOS1 and FWB_QOS2, with or without FWB_RETAIN. FWB_OK: the client has a copy of the message.
int fwb_publish(fwb* c, uint8_t topic, uint8_t flags, const void* data, uint16_t bytes, uint32_t now_ms);

// Asks the gateway to keep messages for so many seconds; FWB_ASLEEP follows. fwb_poll checks the mail before that time
// is over. Returns FWB_EBUSY while a message is in flight.
int fwb_sleep(fwb* c, uint16_t seconds, uint32_t now_ms);

// Fetches the messages that wait at the gateway, then sleeps again; FWB_ASLEEP follows.
int fwb_check_mail(fwb* c, uint32_t now_ms);

// Replaces the will, or deletes it (NULL). The will must outlive the client. Without FWB_WITH_WILL_UPDATE this is
// possible only before fwb_open.
int fwb_set_will(fwb* c, const fwb_will* will, uint32_t now_ms);

// Says goodbye, so that the will is not published; FWB_CLOSED follows. A message in flight waits for fwb_open.
void fwb_close(fwb* c, uint32_t now_ms);

// ---------------------------------------------------------------------------------------------------------------------
// Beacon: a message of QoS -1, without a client. Writes 7 bytes; the payload follows them on the wire.
// Returns 7, or 0 when the payload does not fit.
uint8_t fwb_beacon(uint8_t head[7], uint8_t kind, uint16_t id, uint16_t payload_bytes);

// ---------------------------------------------------------------------------------------------------------------------
// Serial lines: link format 1, which is COBS and CRC-16.

typedef struct fwb_link {
    uint16_t bad_frames;  // damaged or too long, since the start
    uint8_t bytes;
    uint8_t block_rest;
    uint8_t frame[FWB_MTU + 3];
} fwb_link;

#define FWB_LINK_PACKET(link) ((link)->frame + 1)

void fwb_link_init(fwb_link* link);

// Takes one byte from the line. Returns the size of the packet that FWB_LINK_PACKET now points to, or 0.
uint8_t fwb_link_byte(fwb_link* link, uint8_t byte);

// Sends one packet through `put`, byte by byte. `is_idle`: nothing was sent for 20 ms; a zero then ends earlier noise.
void fwb_link_send(void (*put)(void* io, uint8_t byte), void* io, const uint8_t* head, uint8_t head_bytes,
                   const uint8_t* body, uint8_t body_bytes, uint8_t is_idle);

// ---------------------------------------------------------------------------------------------------------------------
// Envelope: HMAC-SHA256 and a counter around each packet. ../PROTOCOL.md says what it protects from.

typedef struct fwb_key {
    uint8_t device[8];   // sender identifier of the device
    uint8_t gateway[8];  // sender identifier of the gateway
    uint8_t secret[32];  // known to both, different for each device
} fwb_key;

typedef struct fwb_seals {
    const fwb_key* key;
    uint32_t sent;  // counter of the last packet sent
    uint32_t seen;  // counter of the last packet accepted
} fwb_seals;

// Fills the two sender identifiers as the gateway of LedgeMQ expects them: `device` has the first 8 bytes of
// SHA-256(client_id), `gateway` the same bytes inverted. `secret` stays. Firmware may also have them as constants.
void fwb_name_key(fwb_key* key, const char* client_id);

// Writes the packet in its envelope to `out`, which has FWB_MTU bytes. Returns the size, or 0 when the packet does not
// fit or the counter is used up. `random` is not guessable.
uint8_t fwb_seal(fwb_seals* seals, const uint8_t* head, uint8_t head_bytes, const uint8_t* body, uint8_t body_bytes,
                 uint32_t random, uint8_t* out);

// Returns the size of the packet inside the envelope and lets `inner` point to it, or 0 when the envelope is not from
// the gateway, was changed or was seen before.
uint8_t fwb_unseal(fwb_seals* seals, const uint8_t* packet, uint16_t bytes, const uint8_t** inner);

typedef struct fwb_sha256 {
    uint32_t state[8];
    uint32_t total_bytes;
    uint8_t block[64];
} fwb_sha256;

void fwb_sha256_init(fwb_sha256* hash);
void fwb_sha256_add(fwb_sha256* hash, const uint8_t* data, uint32_t bytes);
void fwb_sha256_end(fwb_sha256* hash, uint8_t digest[32]);

// HMAC-SHA256 [RFC 2104] in two parts: start, fwb_sha256_add for the text, end. A key of more than 64 bytes is hashed.
void fwb_hmac_start(fwb_sha256* hash, const uint8_t* key, uint32_t key_bytes);
void fwb_hmac_end(fwb_sha256* hash, const uint8_t* key, uint32_t key_bytes, uint8_t tag[32]);

#ifdef __cplusplus
}
#endif

#endif
