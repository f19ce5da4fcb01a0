// The memory that a device takes in the gateway: what its session and connection take in the broker is not counted
// here, nor the two ends of its inner link (transport/inner_link).
#include <doctest/doctest.h>

#include "../broker/allocations.hpp"
#include "ledge/mqttsn/gateway.hpp"
#include "packet_text.hpp"

namespace ledge::mqttsn {
namespace {

constexpr std::uint16_t count = 1000;
constexpr Instant start = Instant{} + 1h;

/// A gateway whose broker accepts everything.
class Owner {
public:
    Owner() : gateway_(options(), {}, 0, start) {}

    void says(std::uint16_t device, const Message& message) {
        const std::vector<Byte> packet = encoded(message);
        const Byte address[] = {192, 0, 2, 1, static_cast<Byte>(device >> 8U), static_cast<Byte>(device & 0xFFU)};
        gateway_.on_packet(address, packet, start);
        for (; gateway_.has_output(); gateway_.output_sent()) last_ = text_of_packet(gateway_.output().bytes);
    }
    void broker_says(DeviceId id, std::string_view hex) {
        const std::vector<Byte> bytes = bytes_of(hex);
        Bytes input(bytes);
        gateway_.inner_bytes(id, input, start);
        serve();
        for (; gateway_.has_output(); gateway_.output_sent()) last_ = text_of_packet(gateway_.output().bytes);
    }
    void serve() {
        while (const auto id = gateway_.take_inner()) {
            if (gateway_.wants_inner(*id)) gateway_.inner_opened(*id, start);
            gateway_.inner_sent(*id, gateway_.inner_output(*id).size(), start);
            if (gateway_.wants_inner_close(*id)) gateway_.inner_closed(*id, start);
        }
    }
    const std::string& last() const { return last_; }

private:
    static GatewayOptions options() {
        GatewayOptions options;
        options.unknown_per_second = 0;
        options.peers_max = count;
        return options;
    }

    Gateway gateway_;
    std::string last_;
};

std::size_t per_device(std::size_t before) { return (broker::live_bytes() - before) / count; }

TEST_CASE("an idle device takes at most 1 KiB of the gateway, its client of the broker included") {
    const std::size_t before = broker::live_bytes();
    Owner owner;
    for (std::uint16_t n = 0; n < count; ++n) owner.says(n, Connect{false, false, 60, "meter-" + std::to_string(n)});
    owner.serve();
    for (DeviceId id = 1; id <= count; ++id) owner.broker_says(id, "20 03 00 00 00");
    REQUIRE(owner.last() == "CONNACK");
    const std::size_t fresh = per_device(before);
    // Each device subscribes, gets a message of QoS 1, and publishes one of QoS 1.
    for (std::uint16_t n = 0; n < count; ++n)
        owner.says(n, Subscribe{.qos = QoS::at_least_once, .message_id = 1, .filter = "cmd/" + std::to_string(n)});
    owner.serve();
    for (DeviceId id = 1; id <= count; ++id) owner.broker_says(id, "90 04 ff ff 00 01");
    REQUIRE(owner.last().starts_with("SUBACK "));
    const auto first_topic = [](std::uint32_t n) {
        return static_cast<TopicId>((n * 1009U) % Gateway::first_topic_id_max + 1);
    };
    const auto second_topic = [&](std::uint32_t n) { return static_cast<TopicId>(first_topic(n) + 1); };
    for (std::uint16_t n = 0; n < count; ++n) {
        owner.says(
            n, Publish{.qos = QoS::at_least_once, .topic_id = first_topic(n), .message_id = 7, .data = as_bytes("21")});
    }
    owner.serve();
    for (DeviceId id = 1; id <= count; ++id) owner.broker_says(id, "40 02 00 07");
    REQUIRE(owner.last().starts_with("PUBACK "));
    REQUIRE(owner.last().ends_with(" #7"));
    for (DeviceId id = 1; id <= count; ++id) owner.broker_says(id, "32 0c 00 05 63 6d 64 2f 78 00 01 00 68 69");
    REQUIRE(owner.last().ends_with(" cmd/x"));
    for (std::uint16_t n = 0; n < count; ++n) owner.says(n, Regack{second_topic(n), 1, ReturnCode::accepted});
    for (std::uint16_t n = 0; n < count; ++n) owner.says(n, Puback{second_topic(n), 1, ReturnCode::accepted});
    owner.serve();
    const std::size_t used = per_device(before);
    for (std::uint16_t n = 0; n < count; ++n) owner.says(n, Disconnect{});
    owner.serve();
    const std::size_t left = per_device(before);
    MESSAGE("bytes of the gateway per device: " << fresh << " after CONNECT, " << used << " with two topics, " << left
                                                << " after it has left");
    CHECK(fresh <= 1024);
    CHECK(used <= 1200);
    CHECK(left <= 640);
}

}  // namespace
}  // namespace ledge::mqttsn
