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
