// IP addresses and networks as values, and what counts as one address where limits are charged. No question to the
// system: names are for others to resolve.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace ledge {

/// 16 bytes in network order. IPv4 is mapped: ::ffff:192.0.2.7.
using IpAddress = std::array<std::uint8_t, 16>;

inline constexpr unsigned ip_address_bits = 128;
inline constexpr unsigned mapped_prefix_bits = 96;  // what precedes the four bytes of an IPv4 address

inline IpAddress mapped_ipv4(std::span<const std::uint8_t, 4> bytes) {
    IpAddress address{};
    address[10] = address[11] = 0xFF;
    std::copy(bytes.begin(), bytes.end(), address.begin() + 12);
    return address;
}

/// All addresses that share the first `prefix_bits` of `address`.
struct Network {
    IpAddress address{};
    std::uint8_t prefix_bits = ip_address_bits;  // of all 128: 10.0.0.0/8 has 104

    bool contains(const IpAddress& other) const {
        const std::size_t whole = prefix_bits / 8U;
        if (!std::equal(address.begin(), address.begin() + whole, other.begin())) return false;
        if (prefix_bits % 8U == 0) return true;
        const unsigned mask = 0xFFU << (8U - prefix_bits % 8U);
        return ((address[whole] ^ other[whole]) & mask & 0xFFU) == 0;
    }

    friend bool operator==(const Network&, const Network&) = default;
};

inline bool is_in(std::span<const Network> networks, const IpAddress& address) {
    return std::any_of(networks.begin(), networks.end(), [&](const Network& n) { return n.contains(address); });
}

/// What counts as one address where limits are charged: an IPv4 address, or an IPv6 network of 64 bits, which is what
/// one customer gets.
enum class NetworkId : std::uint64_t { none = 0 };  // none: a peer without an address, on a Unix socket

NetworkId network_of(const IpAddress& address);
/// `peer` as logs show it, with or without a port: "192.0.2.7:51123", "[2001:db8::1]:51123", "2001:db8::1", "unix".
NetworkId network_of(std::string_view peer);
/// "192.0.2.7", "2001:db8:0:0::/64"; "" for none.
std::string to_text(NetworkId network);

/// `peer` without its port and brackets: "192.0.2.7", "2001:db8::1", "unix".
std::string_view host_of(std::string_view peer);

}  // namespace ledge
