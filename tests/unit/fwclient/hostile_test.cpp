// Packets that are cut, lie about their size, or come at the wrong time.
#include <memory>

#include "device.hpp"
#include "good_answer.hpp"
#include "ledge/base/rng.hpp"

using fwclient::bytes;
using fwclient::Device;
using fwclient::Packet;

namespace {

const std::vector<fwb_topic> usual_topics = {FWB_PUB("t"), FWB_SUB("c", 2)};

// One packet of each type that a device receives, as it would fit the state that `in_state` makes.
const char* const received[] = {
    "05 00 01 00 3c",
    "03 02 01",
    "03 05 00",
    "02 06",
    "02 08",
    "09 0a 00 05 00 01 'c/x'",
    "07 0b 00 05 00 03 00",
    "0a 0c 40 00 06 00 09 'abc'",
    "07 0d 00 05 00 07 00",
    "04 0e 00 07",
    "04 0f 00 07",
    "04 10 00 09",
    "08 13 40 00 06 00 05 00",
    "04 15 00 05",
    "02 16",
    "02 17",
    "02 18",
    "03 1b 00",
    "03 1d 00",
};

const char* const states[] = {"closed",    "searching", "connecting", "setup", "ready",
                              "in flight", "retiring",  "asleep",     "awake", "closing"};

/// A device that has come as far as `states[index]`.
std::unique_ptr<Device> in_state(int index) {
    auto device = std::make_unique<Device>(usual_topics);
    if (index == 1) device->config.flags = FWB_SEARCH;
    if (index >= 1) device->open();
    if (index >= 3) device->input("03 05 00");
    if (index >= 4) {
        device->input("07 0b 00 05 00 03 00");
        device->input("08 13 40 00 06 00 05 00");
        REQUIRE(device->events.size() == 1);
    }
    if (index == 5) device->publish(0, FWB_QOS2, "x");
    if (index >= 6 && index <= 8) fwb_sleep(&device->client, 600, device->now);
    if (index == 9) fwb_close(&device->client, device->now);
    fwb_poll(&device->client, device->now);
    if (index == 7 || index == 8) device->input("02 18");
    if (index == 8) {
        fwb_check_mail(&device->client, device->now);
        fwb_poll(&device->client, device->now);
    }
    device->sent();
    device->take_events();
    return device;
}

/// The client as bytes: what a packet that is ignored does not change.
std::string image(const Device& device) {
    const char* from = reinterpret_cast<const char*>(&device.client);
    return {from, from + sizeof device.client};
}

void is_ignored(Device& device, const Packet& packet) {
    const std::string before = image(device);
    const Packet alone = packet;  // of this size exactly, for the address sanitizer
    device.input(alone);
    REQUIRE_MESSAGE(image(device) == before, fwclient::shown(packet));
    REQUIRE(device.sent().empty());
    REQUIRE(device.events.empty());
    REQUIRE(device.messages.empty());
}

/// Whatever has happened: the device works again, in the time that its timers promise.
void works_again(Device& device) {
    if (device.client.state == 0) device.open();
    fwb_open(&device.client, device.now);
    for (int turn = 0; turn < 200; ++turn) {
        device.pass(500);
        const std::vector<Packet> packets = std::exchange(device.sent_packets, {});
        for (const Packet& packet : packets) {
            const Packet answer = fwclient::good_answer(packet);
            if (!answer.empty()) device.input(answer);
        }
        for (const fwclient::Event& event : device.take_events()) {
            if (event.first == FWB_CLOSED) device.open();
            if (event == fwclient::Event{FWB_DELIVERED, 0} && turn > 100) return;
        }
        device.publish(0, FWB_QOS1, "works");
    }
    FAIL("the client is stuck in state ", static_cast<int>(device.client.state));
}

}  // namespace

TEST_CASE("input: every truncation of every type is ignored in every state") {
    for (int state = 0; state < 10; ++state) {
        const auto device = in_state(state);
        for (const char* text : received) {
            const Packet whole = bytes(text);
            for (std::size_t size = 0; size < whole.size(); ++size) {
                is_ignored(*device, Packet(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)));
            }
        }
    }
}

TEST_CASE("input: every lie about the length is ignored in every state") {
    for (int state = 0; state < 10; ++state) {
        const auto device = in_state(state);
        for (const char* text : received) {
            Packet packet = bytes(text);
            const std::uint8_t truth = packet[0];
            for (int length = 0; length < 256; ++length) {
                packet[0] = static_cast<std::uint8_t>(length);
                if (length != truth) is_ignored(*device, packet);
            }
        }
    }
}

TEST_CASE("input: types of a fixed size are ignored in every other size, and messages above the MTU") {
    for (int state = 0; state < 10; ++state) {
        const auto device = in_state(state);
        for (const char* text : received) {
            Packet packet = bytes(text);
            const std::uint8_t type = packet[1];
            const bool is_open_ended = type == 0x0a || type == 0x0c || type == 0x16 || type == 0x18;
            for (std::size_t size = 2; size <= 255; ++size) {
                if (is_open_ended && size <= FWB_PACKET_MAX) continue;
                if (size == bytes(text).size()) continue;
                packet.resize(size);
                packet[0] = static_cast<std::uint8_t>(size);
                is_ignored(*device, packet);
            }
        }
    }
}

TEST_CASE("input: types that no device receives are ignored in every state") {
    for (int state = 0; state < 10; ++state) {
        const auto device = in_state(state);
        for (int type = 0; type < 256; ++type) {
            bool is_known = false;
            for (const char* text : received) is_known = is_known || bytes(text)[1] == type;
            if (is_known) continue;
            for (std::size_t size = 2; size <= 10; ++size) {
                Packet packet(size, 0);
                packet[0] = static_cast<std::uint8_t>(size);
                packet[1] = static_cast<std::uint8_t>(type);
                is_ignored(*device, packet);
            }
        }
    }
}

TEST_CASE("input: no type in no state, once or twice, leaves a client that does not work again") {
    for (int state = 0; state < 10; ++state) {
        CAPTURE(states[state]);
        for (const char* first : received) {
            for (const char* second : received) {
                CAPTURE(first);
                CAPTURE(second);
                const auto device = in_state(state);
                device->input(first);
                device->input(second);
                works_again(*device);
            }
        }
    }
}

TEST_CASE("input: random packets with a right length leave a client that works again") {
    ledge::Rng rng(5);
    for (int round = 0; round < 300; ++round) {
        const auto device = in_state(static_cast<int>(rng.below(10)));
        for (int i = 0; i < 200; ++i) {
            Packet packet(2 + rng.below(12));
            for (std::uint8_t& byte : packet) byte = static_cast<std::uint8_t>(rng.below(rng.one_in(3) ? 256 : 8));
            packet[0] = static_cast<std::uint8_t>(packet.size());
            packet[1] = static_cast<std::uint8_t>(rng.below(0x20));
            device->input(packet);
            if (rng.one_in(4)) device->pass(static_cast<std::uint32_t>(rng.below(3000)));
        }
        works_again(*device);
    }
}
