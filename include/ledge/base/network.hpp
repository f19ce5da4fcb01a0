// IP addresses and networks as values; reading them from text is for those who may ask the system.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

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

}  // namespace ledge
