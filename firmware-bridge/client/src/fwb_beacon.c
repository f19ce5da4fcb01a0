// A message of QoS -1: no connection, no acknowledgement, no state. For devices that only report.
#include "fwb.h"

#define PUBLISH 0x0C

uint8_t fwb_beacon(uint8_t head[7], uint8_t kind, uint16_t id, uint16_t payload_bytes) {
    if (payload_bytes > FWB_PAYLOAD_MAX) return 0;
    head[0] = (uint8_t)(7 + payload_bytes);
    head[1] = PUBLISH;
    head[2] = (uint8_t)(FWB_QOS_MINUS_1 | kind);
    head[3] = (uint8_t)(id >> 8);
    head[4] = (uint8_t)id;
    head[5] = 0;  // no message id: nothing will be acknowledged
    head[6] = 0;
    return 7;
}
