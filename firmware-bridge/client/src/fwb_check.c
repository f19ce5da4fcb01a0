// Finds mistakes in a configuration. Firmware that does not call it does not contain it.
#include "fwb.h"

#define ID_RESERVED 0xFFFF

// A name has at least one character, and fits into a packet behind its other fields.
static int fits(const char* text, unsigned other_bytes) {
    unsigned bytes = 0;
    while (text[bytes] != 0) ++bytes;
    return bytes != 0 && bytes + other_bytes <= FWB_PACKET_MAX;
}

static int is_good_topic(const fwb_topic* topic) {
    if (topic->kind == FWB_NAME) return fits(topic->name, 6);  // REGISTER, which is one byte longer than SUBSCRIBE
    return topic->kind <= FWB_SHORT && topic->id != 0 && topic->id != ID_RESERVED;
}

int fwb_check(const fwb_config* config) {
    const fwb_will* will = config->will;
    uint8_t i;
    // [5.4.4] a client id has 1 to 23 characters, whatever the size of packets.
    if (!fits(config->client_id, FWB_PACKET_MAX - 23) || !fits(config->client_id, 6)) return FWB_EINVALID;
    if (config->retry_ms == 0 || !config->send || !config->event) return FWB_EINVALID;
    for (i = 0; i < config->topic_count; ++i) {
        if (!is_good_topic(&config->topics[i])) return FWB_EINVALID;
    }
    if (will && (!fits(will->topic, 3) || will->message_bytes > FWB_PACKET_MAX - 2)) return FWB_EINVALID;
    return FWB_OK;
}
