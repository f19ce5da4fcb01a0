// What the port uses of Arduino, declared only.
#pragma once

#include <stdint.h>
#include <string.h>

class Stream {
public:
    virtual ~Stream() = default;
    virtual int available() = 0;
    virtual int read() = 0;
    virtual size_t write(uint8_t byte) = 0;
};

class HardwareSerial : public Stream {
public:
    void begin(unsigned long baud);
    int available() override;
    int read() override;
    size_t write(uint8_t byte) override;
};

extern HardwareSerial Serial;
unsigned long millis();
int analogRead(uint8_t pin);
int digitalRead(uint8_t pin);
void digitalWrite(uint8_t pin, uint8_t value);
void setup();
void loop();
