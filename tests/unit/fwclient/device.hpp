// Device: the C client with a firmware around it that writes down what it is told and what it sends, in virtual time.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "fwb.h"

namespace fwclient {

using Packet = std::vector<std::uint8_t>;

/// "02 16" -> {0x02, 0x16}; a word in quotes stands for its characters: "07 'ab' 00".
inline Packet bytes(const std::string& text) {
    Packet result;
    for (std::size_t i = 0; i < text.size();) {
        if (text[i] == ' ') {
            ++i;
        } else if (text[i] == '\'') {
            const std::size_t end = text.find('\'', i + 1);
            result.insert(result.end(), text.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                          text.begin() + static_cast<std::ptrdiff_t>(end));
            i = end + 1;
        } else {
            result.push_back(static_cast<std::uint8_t>(std::stoi(text.substr(i, 2), nullptr, 16)));
            i += 2;
        }
    }
    return result;
}

inline std::string shown(const Packet& packet) {
    std::string text;
    for (const std::uint8_t byte : packet) {
        const char digits[] = "0123456789abcdef";
        text += text.empty() ? "" : " ";
        text += digits[byte >> 4U];
        text += digits[byte & 15U];
    }
    return text;
}

struct Received {
    std::string data;
    std::uint8_t topic = 0;
    std::uint8_t flags = 0;
    std::uint16_t id = 0;
    bool operator==(const Received&) const = default;
};

using Event = std::pair<int, int>;  // enum fwb_event and its argument

class Device {
public:
    explicit Device(std::vector<fwb_topic> topics, std::uint16_t seed = 1) : topics_(std::move(topics)) {
        config.client_id = "dev1";
        config.topics = topics_.data();
        config.topic_count = static_cast<std::uint8_t>(topics_.size());
        config.keep_alive_s = 30;
        config.retry_ms = 1000;
        config.retries = 3;
        config.send = [](void* io, const std::uint8_t* head, std::uint8_t head_bytes, const std::uint8_t* body,
                         std::uint8_t body_bytes) { self(io).on_send(head, head_bytes, body, body_bytes); };
        config.event = [](void* io, std::uint8_t event, std::uint8_t argument) { self(io).on_event(event, argument); };
        config.message = [](void* io, const fwb_message* m) { return self(io).on_message(*m); };
        config.name = [](void* io, std::uint16_t id, const char* name, std::uint8_t name_bytes) {
            self(io).names.emplace_back(id, std::string(name, name_bytes));
            return self(io).code;
        };
        start(seed);
    }
    Device(const Device&) = delete;
    Device& operator=(const Device&) = delete;

    /// A reset of the processor: the memory is lost, and the seed is another one.
    void start(std::uint16_t seed) {
        ids_.assign(topics_.size() + 1, 0xEEEE);
        fwb_init(&client, &config, ids_.data(), this, seed);
    }

    void open() {
        fwb_open(&client, now);
        fwb_poll(&client, now);
    }

    void input(const Packet& packet) {
        fwb_input(&client, packet.data(), static_cast<std::uint16_t>(packet.size()), now);
    }
    void input(const std::string& text) { input(bytes(text)); }

    int publish(std::uint8_t topic, std::uint8_t flags, const std::string& data) {
        return fwb_publish(&client, topic, flags, data.data(), static_cast<std::uint16_t>(data.size()), now);
    }

    /// Lets the time pass, with a call of fwb_poll whenever the client has asked for one.
    void pass(std::uint32_t ms) {
        while (true) {
            const std::uint32_t next = fwb_poll(&client, now);
            if (next > ms) break;
            now += next;
            ms -= next;
        }
        now += ms;
    }

    /// Lets the time pass until the next packet, but not longer.
    void pass_until_sent(std::uint32_t ms) {
        for (std::uint32_t passed = 0; passed < ms && sent_packets.empty(); ++passed) pass(1);
    }

    /// The packets sent since the last call, as text.
    std::string sent() {
        std::string text;
        for (const Packet& packet : sent_packets) text += (text.empty() ? "" : " | ") + shown(packet);
        sent_packets.clear();
        return text;
    }

    std::vector<Event> take_events() { return std::exchange(events, {}); }

    fwb client{};
    fwb_config config{};
    std::uint32_t now = 0xFFFFE000;  // the clock wraps around in every longer test
    std::uint8_t code = FWB_ACCEPTED;
    std::vector<Packet> sent_packets;
    std::vector<Event> events;
    std::vector<Received> messages;
    std::vector<std::pair<std::uint16_t, std::string>> names;
    std::function<void(Event)> when_told;  // the firmware's own code
    std::function<void(const Received&)> when_received;

private:
    static Device& self(void* io) { return *static_cast<Device*>(io); }

    void on_send(const std::uint8_t* head, std::size_t head_bytes, const std::uint8_t* body, std::size_t body_bytes) {
        Packet packet(head, head + head_bytes);
        if (body_bytes > 0) packet.insert(packet.end(), body, body + body_bytes);
        REQUIRE(packet.size() <= FWB_PACKET_MAX);
        REQUIRE(packet.at(0) == packet.size());
        sent_packets.push_back(packet);
    }

    void on_event(std::uint8_t event, std::uint8_t argument) {
        events.emplace_back(event, argument);
        if (when_told) when_told(events.back());
    }

    std::uint8_t on_message(const fwb_message& m) {
        messages.push_back({std::string(m.data, m.data + m.bytes), m.topic, m.flags, m.id});
        if (when_received) when_received(messages.back());
        return code;
    }

    std::vector<fwb_topic> topics_;
    std::vector<std::uint16_t> ids_;
};

using Events = std::vector<Event>;

/// CONNECT and CONNACK; topics without a name only, so that nothing else is to be set up.
inline void connect(Device& device) {
    device.open();
    device.input("03 05 00");
    device.sent();
    device.take_events();
}

/// The only step of their SETUP is the subscription, whose message id is 3.
inline const std::vector<fwb_topic> by_number = {FWB_PUB_ID(1), FWB_SUB_ID(2, 1)};

inline void become_ready(Device& device) {
    connect(device);
    device.input("08 13 20 00 02 00 03 00");
    REQUIRE(device.take_events() == Events{{FWB_READY, 0}});
    device.sent();
}

}  // namespace fwclient
