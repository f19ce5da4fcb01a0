// The client in an Arduino sketch, over any Stream (Serial, Serial1). The tests compile it against a stub Arduino.h;
// they do not run it on a board.
//
//   static const fwb_topic topics[] = {FWB_PUB("sensors/door")};
//   FwbArduino<1> mqtt(Serial, "door-1", topics);
//   void setup() { Serial.begin(115200); mqtt.begin(analogRead(A0)); }
//   void loop() { mqtt.step(); if (pressed()) mqtt.publish(0, FWB_QOS1, "open"); }
#pragma once

#include <Arduino.h>

#include "fwb.h"

template <uint8_t topic_count>
class FwbArduino {
public:
    FwbArduino(Stream& line, const char* client_id, const fwb_topic* table) : line_(line) {
        config_.client_id = client_id;
        config_.topics = table;
        config_.topic_count = topic_count;
        config_.send = send;
        config_.event = event;
        config_.message = message;
        config_.keep_alive_s = 60;
        config_.retry_ms = 1000;
        config_.retries = 4;
    }

    /// The seed should differ between boards: a noisy analog pin, a serial number.
    void begin(uint16_t seed) {
        fwb_link_init(&link_);
        fwb_init(&client_, &config_, ids_, this, seed);
        fwb_open(&client_, now_ms());
    }

    void step() {
        while (line_.available() > 0) {
            const uint8_t bytes = fwb_link_byte(&link_, static_cast<uint8_t>(line_.read()));
            if (bytes > 0) fwb_input(&client_, FWB_LINK_PACKET(&link_), bytes, now_ms());
        }
        fwb_poll(&client_, now_ms());
    }

    int publish(uint8_t topic, uint8_t flags, const char* text) {
        return fwb_publish(&client_, topic, flags, text, static_cast<uint16_t>(strlen(text)), now_ms());
    }

    void (*on_event)(uint8_t event, uint8_t argument) = nullptr;
    uint8_t (*on_message)(const fwb_message& message) = nullptr;

private:
    static uint32_t now_ms() { return static_cast<uint32_t>(millis()); }
    static FwbArduino& self(void* io) { return *static_cast<FwbArduino*>(io); }
    static void put(void* io, uint8_t byte) { self(io).line_.write(byte); }
    static void send(void* io, const uint8_t* head, uint8_t head_bytes, const uint8_t* body, uint8_t body_bytes) {
        const bool is_idle = now_ms() - self(io).sent_ms_ >= 20;
        fwb_link_send(put, io, head, head_bytes, body, body_bytes, is_idle);
        self(io).sent_ms_ = now_ms();
    }
    static void event(void* io, uint8_t event, uint8_t argument) {
        if (self(io).on_event) self(io).on_event(event, argument);
    }
    static uint8_t message(void* io, const fwb_message* message) {
        return self(io).on_message ? self(io).on_message(*message) : FWB_INVALID_TOPIC;
    }

    Stream& line_;
    fwb_config config_ = {};
    fwb client_ = {};
    fwb_link link_ = {};
    uint16_t ids_[topic_count] = {};
    uint32_t sent_ms_ = 0;
};
