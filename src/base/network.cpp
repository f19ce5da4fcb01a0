// The numbers of networks, and the text of a peer.
#include "ledge/base/network.hpp"

#include <algorithm>
#include <cstdio>

#include "ledge/base/ip_text.hpp"

namespace ledge {
namespace {

// network_id := IPv4: 0x0000FFFF:u32 address:u32 | IPv6: the first 64 bits of the address
// The two forms cannot collide, because no host has an address in 0:ffff::/32. The value 0 means "no address", but the
// network of ::1 consists of zeros only; that network is stored as 1.
constexpr std::uint64_t ipv4_mark = 0xFFFFULL << 32U;
constexpr std::uint64_t zeros_network = 1;

}  // namespace

NetworkId network_of(const IpAddress& address) {
    const auto number = [&address](std::size_t from, std::size_t to) {
        std::uint64_t value = 0;
        for (std::size_t i = from; i < to; ++i) value = value << 8U | address[i];
        return value;
    };
    // A single IPv4 address counts as a network. Of IPv6, one subscriber usually has a whole /64.
    if (is_ipv4(address)) return NetworkId{ipv4_mark | number(12, 16)};
    return NetworkId{std::max(number(0, 8), zeros_network)};
}

NetworkId network_of(std::string_view peer) {
    const std::string_view host = host_of(peer);
    const auto address = parse_ip(host.substr(0, host.find('%')));  // a zone such as %eth0 does not count for limits
    return address ? network_of(*address) : NetworkId::none;
}

std::string to_text(NetworkId network) {
    auto value = static_cast<std::uint64_t>(network);
    if (value == 0) return {};
    char text[32];
    if (value >> 32U == 0xFFFF) {  // the form of an IPv4 address
        const auto byte = [value](unsigned shift) { return static_cast<unsigned>(value >> shift & 0xFFU); };
        std::snprintf(text, sizeof text, "%u.%u.%u.%u", byte(24), byte(16), byte(8), byte(0));
        return text;
    }
    if (value == zeros_network) value = 0;
    const auto group = [value](unsigned shift) { return static_cast<unsigned>(value >> shift & 0xFFFFU); };
    std::snprintf(text, sizeof text, "%x:%x:%x:%x::/64", group(48), group(32), group(16), group(0));
    return text;
}

std::string_view host_of(std::string_view peer) {
    if (peer.starts_with('[')) return peer.substr(1, std::min(peer.find(']'), peer.size()) - 1);
    // Exactly one colon separates a port. Two or more colons belong to an IPv6 address without a port.
    const std::size_t colon = peer.find(':');
    const bool has_port = colon != std::string_view::npos && peer.find(':', colon + 1) == std::string_view::npos;
    return has_port ? peer.substr(0, colon) : peer;
}

}  // namespace ledge
