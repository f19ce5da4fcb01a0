// The POSIX port over a pseudo terminal and over UDP: the test is the other end.
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>

#include "device.hpp"
#include "fwb_posix.h"
#include "good_answer.hpp"

using fwclient::Packet;

namespace {

const fwb_topic one_topic[] = {FWB_PUB("t")};

struct PosixDevice {
    PosixDevice() {
        config.client_id = "dev1";
        config.topics = one_topic;
        config.topic_count = 1;
        config.keep_alive_s = 30;
        config.retry_ms = 5000;  // longer than the whole test: what arrives has arrived at once
        config.retries = 3;
        config.send = fwb_posix_send;
        config.event = [](void* io, std::uint8_t event, std::uint8_t) {
            static_cast<PosixDevice*>(static_cast<fwb_posix*>(io)->firmware)->events.push_back(event);
        };
        port.firmware = this;
        fwb_init(&client, &config, ids, &port, 1);
    }
    ~PosixDevice() { close(port.file); }

    fwb client{};
    fwb_config config{};
    fwb_posix port{};
    std::uint16_t ids[1] = {};
    std::vector<int> events;
};

/// The bytes that arrive next at the gateway's end.
Packet next_bytes(int file) {
    Packet bytes(512);
    pollfd wanted{file, POLLIN, 0};
    REQUIRE(poll(&wanted, 1, 10'000) == 1);
    const ssize_t size = read(file, bytes.data(), bytes.size());
    REQUIRE(size > 0);
    bytes.resize(static_cast<std::size_t>(size));
    return bytes;
}

void put_frame(int file, const Packet& packet) {
    Packet frame;
    fwb_link_send([](void* io, std::uint8_t byte) { static_cast<Packet*>(io)->push_back(byte); }, &frame, packet.data(),
                  static_cast<std::uint8_t>(packet.size()), nullptr, 0, 1);
    REQUIRE(write(file, frame.data(), frame.size()) == static_cast<ssize_t>(frame.size()));
}

}  // namespace

TEST_CASE("POSIX port: a message goes over a serial line, and an unplugged line is noticed") {
    const int gateway = posix_openpt(O_RDWR | O_NOCTTY);
    REQUIRE(gateway >= 0);
    REQUIRE(grantpt(gateway) == 0);
    REQUIRE(unlockpt(gateway) == 0);
    PosixDevice device;
    REQUIRE(fwb_posix_serial(&device.port, ptsname(gateway), B115200) == 0);
    fwb_open(&device.client, fwb_posix_now_ms());
    REQUIRE(fwb_publish(&device.client, 0, FWB_QOS1, "hi", 2, fwb_posix_now_ms()) == FWB_OK);
    fwb_link framer;
    fwb_link_init(&framer);
    for (int packets = 0; packets < 3;) {  // CONNECT, REGISTER, PUBLISH
        REQUIRE(fwb_posix_step(&device.port, &device.client, 10) == 0);
        pollfd wanted{gateway, POLLIN, 0};
        if (poll(&wanted, 1, 0) == 0) continue;
        for (const std::uint8_t byte : next_bytes(gateway)) {
            const std::uint8_t size = fwb_link_byte(&framer, byte);
            if (size == 0) continue;
            ++packets;
            put_frame(gateway, fwclient::good_answer({FWB_LINK_PACKET(&framer), FWB_LINK_PACKET(&framer) + size}));
        }
    }
    while (device.events.size() < 2) REQUIRE(fwb_posix_step(&device.port, &device.client, 10'000) == 0);
    CHECK(device.events == std::vector<int>{FWB_READY, FWB_DELIVERED});
    CHECK(framer.bad_frames == 0);
    close(gateway);
    CHECK(fwb_posix_step(&device.port, &device.client, 10'000) == -1);
}

TEST_CASE("POSIX port: a message goes over UDP") {
    const int gateway = socket(AF_INET, SOCK_DGRAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE(bind(gateway, reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(getsockname(gateway, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    PosixDevice device;
    REQUIRE(fwb_posix_udp(&device.port, "127.0.0.1", std::to_string(ntohs(address.sin_port)).c_str()) == 0);
    fwb_open(&device.client, fwb_posix_now_ms());
    REQUIRE(fwb_publish(&device.client, 0, FWB_QOS1, "hi", 2, fwb_posix_now_ms()) == FWB_OK);
    for (int packets = 0; packets < 3; ++packets) {
        REQUIRE(fwb_posix_step(&device.port, &device.client, 0) == 0);
        Packet bytes(512);
        const ssize_t received =
            recvfrom(gateway, bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&address), &size);
        REQUIRE(received > 0);
        bytes.resize(static_cast<std::size_t>(received));
        REQUIRE(bytes.at(0) == bytes.size());  // one packet in one datagram
        const Packet answer = fwclient::good_answer(bytes);
        REQUIRE(sendto(gateway, answer.data(), answer.size(), 0, reinterpret_cast<sockaddr*>(&address), size) > 0);
        REQUIRE(fwb_posix_step(&device.port, &device.client, 10'000) == 0);
    }
    CHECK(device.events == std::vector<int>{FWB_READY, FWB_DELIVERED});
    close(gateway);
}

TEST_CASE("POSIX port: a device and a host that do not exist are refused") {
    fwb_posix port{};
    CHECK(fwb_posix_serial(&port, "/dev/no-such-line", B115200) == -1);
    CHECK(fwb_posix_udp(&port, "127.0.0.1", "no-such-service") == -1);
}
