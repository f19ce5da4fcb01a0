// UDP: packets, addresses, groups, and what strangers can do.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>

#include "ledge/base/ip_text.hpp"
#include "ledge/os/address.hpp"
#include "rig.hpp"

namespace ledge::link {
namespace {

using mqttsn::QoS;
using mqttsn::ReturnCode;

const std::string disconnect = hex_of(mqttsn::Disconnect{});

TEST_CASE("a device publishes, and a device that has subscribed gets the message") {
    Rig rig;
    rig.starts();
    UdpDevice meter(rig, rig.port());
    UdpDevice lamp(rig, rig.port());
    meter.sends(connect_as("meter"));
    CHECK(meter.gets() == accepted);
    lamp.sends(connect_as("lamp"));
    CHECK(lamp.gets() == accepted);
    mqttsn::Subscribe subscribe;
    subscribe.qos = QoS::at_least_once;
    subscribe.type = mqttsn::TopicIdType::short_name;
    subscribe.message_id = 1;
    subscribe.topic_id = mqttsn::short_id_of("ab");
    lamp.sends(subscribe);
    CHECK(lamp.gets() == "0813200000000100");
    meter.sends(publish_short("ab", "on", QoS::at_least_once, 7));
    CHECK(meter.gets() == hex_of(mqttsn::Puback{mqttsn::short_id_of("ab"), 7, ReturnCode::accepted}));
    CHECK(lamp.gets().starts_with("090c22" + hex(as_bytes("ab"))));
    CHECK(rig.figures().gateway.messages_in == 1);
    CHECK(rig.figures().gateway.messages_out == 1);
    CHECK(rig.figures().connected == 2);
    CHECK(rig.figures().is_up);
}

TEST_CASE("the broker knows a device by its address, and by the user of the listener") {
    Rig rig;
    rig.links[0].listener = 1;
    rig.links[0].user = "field";
    rig.starts();
    UdpDevice meter(rig, rig.port());
    meter.sends(connect_as("meter"));
    CHECK(meter.gets() == accepted);
    CHECK(rig.has_logged("client_connected client_id=meter user=field address=127.0.0.1:"));
}

TEST_CASE("without a user, a listener that admits no anonymous clients admits no device, and says so") {
    Rig rig;
    rig.links[0].listener = 1;
    rig.starts();
    UdpDevice meter(rig, rig.port());
    meter.sends(connect_as("meter"));
    CHECK(meter.gets() == hex_of(mqttsn::Connack{ReturnCode::not_supported}));
    CHECK(rig.has_logged("mqttsn_device_refused listener=sensors client_id=meter"));
    CHECK(rig.figures().connected == 0);
}

TEST_CASE("an unknown peer gets DISCONNECT at a limited rate, and never more bytes than it has sent") {
    Rig rig;
    rig.links[0].gateway.unknown_per_second = 10;
    rig.starts();
    UdpDevice stranger(rig, rig.port());
    std::size_t answered = 0;
    for (int i = 0; i < 100; ++i) {
        stranger.sends(mqttsn::Pingreq{});
        for (std::string packet = stranger.gets(); !packet.empty(); packet = stranger.gets()) {
            CHECK(packet == disconnect);
            ++answered;
        }
    }
    CHECK(answered == 10);
    CHECK(rig.figures().gateway.unknown_ignored == 90);
}

TEST_CASE("any bytes are counted and survived") {
    Rig rig;
    rig.starts();
    UdpDevice stranger(rig, rig.port());
    const std::vector<Byte> whole = bytes_of(connect_as("meter"));
    for (std::size_t cut = 0; cut < whole.size(); ++cut) stranger.sends_bytes(Bytes(whole).first(cut));
    for (unsigned type = 0; type < 256; ++type) {
        const std::vector<Byte> packet{3, static_cast<Byte>(type), 0};
        stranger.sends_bytes(packet);
    }
    CHECK(rig.figures().gateway.packets_malformed > 200);
    CHECK(rig.figures().connected == 0);
}

TEST_CASE("a datagram above packet_bytes_max is counted and dropped") {
    Rig rig;
    rig.links[0].gateway.endpoint.packet_bytes_max = 64;
    rig.starts();
    UdpDevice meter(rig, rig.port());
    const std::vector<Byte> packet(65, Byte{2});
    meter.sends_bytes(packet);
    CHECK(rig.figures().link.too_long == 1);
    CHECK(rig.figures().gateway.packets_in == 0);
}

TEST_CASE("an answer leaves from the address that the device has asked") {
    for (const char* host : {"0.0.0.0", "::"}) {
        Rig rig;
        rig.links = {udp_listener(host)};
        rig.starts();
        // The kernel hands packets to a connected socket only if they come from 127.0.0.3.
        UdpDevice meter(rig, rig.port(), "127.0.0.3");
        meter.sends(connect_as("meter"));
        CHECK(meter.gets() == accepted);
        CHECK(rig.has_logged("address=127.0.0.1:"));
    }
}

TEST_CASE("IPv6 devices are served") {
    Rig rig;
    rig.links = {udp_listener("::1")};
    rig.starts();
    UdpDevice meter(rig, rig.port(), "::1");
    meter.sends(connect_as("meter"));
    CHECK(meter.gets() == accepted);
    CHECK(rig.has_logged("address=[::1]:"));
}

TEST_CASE("a device finds the gateway by the group, on the interface of the listener") {
    Rig rig;
    std::get<UdpAddress>(rig.links[0].place).multicast = "225.1.1.7";
    rig.starts();
    REQUIRE(rig.figures().is_up);
    // The device sends to the group on the loopback interface.
    const os::Descriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0));
    const os::SocketAddress own = os::SocketAddress::loopback_ipv4(0);
    REQUIRE(::bind(socket.get(), own.get(), own.size()) == 0);
    in_addr loopback{};
    loopback.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::setsockopt(socket.get(), IPPROTO_IP, IP_MULTICAST_IF, &loopback, sizeof loopback) == 0);
    const os::SocketAddress group(*parse_ip("225.1.1.7"), rig.port());
    const std::vector<Byte> search = bytes_of(mqttsn::Searchgw{});
    REQUIRE(::sendto(socket.get(), search.data(), search.size(), 0, group.get(), group.size()) == 3);
    std::array<Byte, 64> answer{};
    ssize_t count = -1;
    CHECK(rig.until([&] { return (count = ::recv(socket.get(), answer.data(), answer.size(), 0)) > 0; }));
    CHECK(hex(Bytes(answer).first(static_cast<std::size_t>(std::max<ssize_t>(count, 0)))) ==
          hex_of(mqttsn::Gwinfo{1, {}}));
}

TEST_CASE("an address in use is an error of the start") {
    Rig rig;
    rig.starts();
    Rig other;
    std::get<UdpAddress>(other.links[0].place).port = rig.port();
    other.starts();
    REQUIRE(other.gateways->start_problem());
    CHECK(text_of(*other.gateways->start_problem()).find("cannot listen on udp://127.0.0.1:") == 0);
}

TEST_CASE("an address that does not exist yet is tried again") {
    Rig rig;
    rig.links = {udp_listener("192.0.2.77")};
    rig.starts();
    CHECK(!rig.gateways->start_problem());
    CHECK(!rig.figures().is_up);
    CHECK(rig.has_logged("mqttsn_link_closed listener=sensors"));
    const std::size_t lines = rig.lines.size();
    rig.passes(60s);
    CHECK(rig.lines.size() == lines);  // told once
    CHECK(!rig.gateways->wants_turn());
}

}  // namespace
}  // namespace ledge::link
