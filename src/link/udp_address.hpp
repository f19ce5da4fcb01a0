// The addresses of UDP peers: between the system's sockaddr and the bytes that a gateway knows a peer by (udp_link.hpp
// has the grammar).
#pragma once

#include <netinet/in.h>

#include <array>
#include <cstdint>

#include "ledge/base/bytes.hpp"
#include "ledge/os/address.hpp"

namespace ledge::link {

struct UdpPeer {
    std::uint16_t port = 0;
    in6_addr ip{};            // an IPv4 address is mapped
    std::uint32_t scope = 0;  // interface of a link-local address
    in6_addr own{};           // mapped as well; all zeros = not known
};

inline constexpr std::size_t udp_peer_bytes_max = 1 + 2 + 16 + 4 + 16;
using UdpPeerBytes = std::array<Byte, udp_peer_bytes_max>;

/// Writes the bytes of the peer and returns how many they are.
std::size_t encode_peer(const UdpPeer& peer, UdpPeerBytes& out);
/// Requires bytes of encode_peer().
UdpPeer decode_peer(Bytes bytes);

/// `family`: of the socket. An IPv4 peer of an IPv6 socket gets a mapped address.
os::SocketAddress system_address(const UdpPeer& peer, int family);

in6_addr mapped(in_addr address);
bool is_mapped(const in6_addr& address);
in_addr unmapped(const in6_addr& address);

}  // namespace ledge::link
