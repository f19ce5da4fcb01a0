#include "ledge/base/network.hpp"

#include <doctest/doctest.h>

#include <vector>

using namespace ledge;

namespace {

IpAddress ipv4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) {
    return mapped_ipv4(std::array<std::uint8_t, 4>{a, b, c, d});
}

}  // namespace

TEST_CASE("a network holds what shares its prefix") {
    const Network ten{ipv4(10, 0, 0, 0), mapped_prefix_bits + 8};
    CHECK(ten.contains(ipv4(10, 255, 3, 4)));
    CHECK_FALSE(ten.contains(ipv4(11, 0, 0, 0)));
    CHECK_FALSE(ten.contains(IpAddress{10}));
    const Network odd{ipv4(192, 0, 2, 64), mapped_prefix_bits + 27};
    CHECK(odd.contains(ipv4(192, 0, 2, 95)));
    CHECK_FALSE(odd.contains(ipv4(192, 0, 2, 96)));
    CHECK_FALSE(odd.contains(ipv4(192, 0, 2, 63)));
    const Network one{ipv4(192, 0, 2, 7), ip_address_bits};
    CHECK(one.contains(ipv4(192, 0, 2, 7)));
    CHECK_FALSE(one.contains(ipv4(192, 0, 2, 6)));
    CHECK(Network{IpAddress{}, 0}.contains(ipv4(1, 2, 3, 4)));
}

TEST_CASE("an address is in a list of networks when one of them holds it") {
    const std::vector<Network> networks{{ipv4(10, 0, 0, 0), 104}, {ipv4(192, 0, 2, 7), 128}};
    CHECK(is_in(networks, ipv4(192, 0, 2, 7)));
    CHECK(is_in(networks, ipv4(10, 0, 0, 1)));
    CHECK_FALSE(is_in(networks, ipv4(192, 0, 2, 8)));
    CHECK_FALSE(is_in({}, ipv4(10, 0, 0, 1)));
}

TEST_CASE("limits see one IPv4 address, or one IPv6 network of 64 bits, whatever form the peer is written in") {
    CHECK(network_of("192.0.2.7:51123") == network_of("192.0.2.7"));
    CHECK(network_of("192.0.2.7") == network_of(ipv4(192, 0, 2, 7)));
    CHECK(network_of("::ffff:192.0.2.7") == network_of("192.0.2.7:1"));
    CHECK(network_of("[::ffff:c000:207]:1") == network_of("192.0.2.7:1"));
    CHECK(network_of("192.0.2.7") != network_of("192.0.2.8"));
    CHECK(network_of("[2001:db8::1]:51123") == network_of("2001:db8:0:0:9:8:7:6"));
    CHECK(network_of("[2001:db8:0:1::1]:1") != network_of("[2001:db8::1]:1"));
    CHECK(network_of("[fe80::1%eth0]:1") == network_of("fe80::2"));
    CHECK(network_of("[::1]:1883") != NetworkId::none);
}

TEST_CASE("what is no address belongs to no network") {
    for (const char* text : {"unix", "", "[", "[]:1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1:2:3", "1:2:3:4:5:6:7:8:9",
                             "1::2::3", ":1::", "::1:", "12345::", "1:2:3:4:5:6:7::8", "::1.2.3", "::g"})
        CHECK_MESSAGE(network_of(text) == NetworkId::none, text);
}

TEST_CASE("a network is shown as logs show addresses") {
    CHECK(to_text(network_of("192.0.2.7:51123")) == "192.0.2.7");
    CHECK(to_text(network_of("[2001:db8::1]:51123")) == "2001:db8:0:0::/64");
    CHECK(to_text(network_of("::1")) == "0:0:0:0::/64");
    CHECK(to_text(NetworkId::none).empty());
}

TEST_CASE("the host of a peer has neither port nor brackets") {
    CHECK(host_of("192.0.2.7:51123") == "192.0.2.7");
    CHECK(host_of("192.0.2.7") == "192.0.2.7");
    CHECK(host_of("[2001:db8::1]:51123") == "2001:db8::1");
    CHECK(host_of("2001:db8::1") == "2001:db8::1");
    CHECK(host_of("unix") == "unix");
    CHECK(host_of("[").empty());
}
