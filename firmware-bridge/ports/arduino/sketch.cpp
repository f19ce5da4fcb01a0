// A sketch as a user would write it: the tests compile it, so that FwbArduino.h stays usable.
#include "FwbArduino.h"

static const fwb_topic topics[] = {FWB_PUB("sensors/door"), FWB_SUB("doors/lamp", 1)};
static FwbArduino<2> mqtt(Serial, "door-1", topics);

static uint8_t set_lamp(const fwb_message& message) {
    digitalWrite(13, message.bytes > 0 && message.data[0] == '1');
    return FWB_ACCEPTED;
}

void setup() {
    Serial.begin(115200);
    mqtt.on_message = set_lamp;
    mqtt.begin(static_cast<uint16_t>(analogRead(0)));
}

void loop() {
    mqtt.step();
    if (digitalRead(2) != 0) mqtt.publish(0, FWB_QOS1, "open");
}
