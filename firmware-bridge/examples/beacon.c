// A beacon: sends its readings without a connection (QoS -1) and never listens. The smallest sender; a reading that the
// line damages is lost. The gateway has to allow such messages and to know the number of the topic.
#include "board.h"

#define TOPIC_ID 1  // in the gateway's list of predefined topics

static fwb_cortex_m port;

int main(void) {
    char reading[BOARD_READING_BYTES];
    fwb_cortex_m_init(&port);
    board_start(&port);
    for (;;) {
        const uint8_t bytes = board_reading(reading);
        uint8_t head[7];
        if (bytes && fwb_beacon(head, FWB_PREDEFINED, TOPIC_ID, bytes))
            fwb_cortex_m_send(&port, head, sizeof head, (const uint8_t*)reading, bytes);
        fwb_cortex_m_wait(&port);
    }
}
