// IP addresses and networks as values, and NetworkId, the unit that limits per address are counted for. Stateless; no
// system call, and no resolution of host names.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "ledge/base/assert.hpp"

namespace ledge {

/// 16 bytes in network order. An IPv4 address is stored as a mapped IPv6 address, for example ::ffff:192.0.2.7.
using IpAddress = std::array<std::uint8_t, 16>;

inline constexpr unsigned ip_address_bits = 128;
inline constexpr unsigned mapped_prefix_bits = 96;  // the bits before the four bytes of a mapped IPv4 address

inline IpAddress mapped_ipv4(std::span<const std::uint8_t, 4> bytes) {
    IpAddress address{};
    address[10] = address[11] = 0xFF;
    std::copy(bytes.begin(), bytes.end(), address.begin() + 12);
    return address;
}

/// All addresses whose first `prefix_bits` bits are those of `address`.
struct Network {
    IpAddress address{};
    std::uint8_t prefix_bits = ip_address_bits;  // counted in the 128-bit form: 10.0.0.0/8 has 96 + 8 = 104

    bool contains(const IpAddress& other) const {
        LEDGE_ASSERT(prefix_bits <= ip_address_bits);
        // Compare the whole bytes of the prefix, then the remaining bits of the next byte.
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

/// The unit that limits per address are counted for: one IPv4 address, or one IPv6 network with a 64-bit prefix, which
/// is what one customer of a provider gets.
enum class NetworkId : std::uint64_t { none = 0 };  // none = a peer without an IP address, on a Unix socket

NetworkId network_of(const IpAddress& address);
/// `peer` is written as in logs, with or without a port: "192.0.2.7:51123", "[2001:db8::1]:51123", "2001:db8::1",
/// "unix". A text that is no address gives NetworkId::none.
NetworkId network_of(std::string_view peer);
/// Writes "192.0.2.7" or "2001:db8:0:0::/64". NetworkId::none gives an empty text.
std::string to_text(NetworkId network);

/// Returns `peer` without its port and brackets: "192.0.2.7", "2001:db8::1", "unix". The result is a view of `peer`.
std::string_view host_of(std::string_view peer);

}  // namespace ledge
