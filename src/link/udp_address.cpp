// The bytes of UDP peers. The gateway compares them and keeps them for each device, so an IPv4 peer takes 11 bytes and
// not the 28 of a sockaddr_in6.
#include "udp_address.hpp"

#include <algorithm>
#include <cstring>

#include "ledge/base/assert.hpp"

namespace ledge::link {

namespace {

constexpr Byte kind_ipv4 = 4;
constexpr Byte kind_ipv6 = 6;
constexpr std::size_t mapped_begin = 12;  // ::ffff:a.b.c.d has the IPv4 address behind 12 bytes

/// Copies values into bytes and back, in the order of the grammar.
template <class T>
void put(const T& value, Byte*& at) {
    std::memcpy(at, &value, sizeof(value));
    at += sizeof(value);
}

template <class T>
void get(T& value, const Byte*& at) {
    std::memcpy(&value, at, sizeof(value));
    at += sizeof(value);
}

}  // namespace

in6_addr mapped(in_addr address) {
    in6_addr result{};
    result.s6_addr[10] = result.s6_addr[11] = 0xFF;
    std::memcpy(&result.s6_addr[mapped_begin], &address, sizeof(address));
    return result;
}

// A dual socket reports IPv4 peers with mapped addresses, an IPv4 socket with plain ones. Both become the same bytes.
bool is_mapped(const in6_addr& address) { return IN6_IS_ADDR_V4MAPPED(&address) != 0; }

in_addr unmapped(const in6_addr& address) {
    in_addr result{};
    std::memcpy(&result, &address.s6_addr[mapped_begin], sizeof(result));
    return result;
}

std::size_t encode_peer(const UdpPeer& peer, UdpPeerBytes& out) {
    Byte* at = out.data();
    const bool is_ipv4 = is_mapped(peer.ip);
    put(is_ipv4 ? kind_ipv4 : kind_ipv6, at);
    put(peer.port, at);
    if (is_ipv4) {
        put(unmapped(peer.ip), at);
        put(is_mapped(peer.own) ? unmapped(peer.own) : in_addr{}, at);
    } else {
        put(peer.ip, at);
        put(peer.scope, at);
        put(peer.own, at);
    }
    return static_cast<std::size_t>(at - out.data());
}

UdpPeer decode_peer(Bytes bytes) {
    // The bytes come from the gateway, which has them from encode_peer(), and never from the network.
    LEDGE_ASSERT(!bytes.empty() && bytes.size() <= udp_peer_bytes_max);
    UdpPeer peer;
    const Byte* at = bytes.data() + 1;
    get(peer.port, at);
    if (bytes.front() == kind_ipv4) {
        in_addr ip{};
        in_addr own{};
        get(ip, at);
        get(own, at);
        peer.ip = mapped(ip);
        // Without an address `own` stays all zeros, which means "not known". A mapped 0.0.0.0 would not be all zeros.
        if (own.s_addr != 0) peer.own = mapped(own);
    } else {
        get(peer.ip, at);
        get(peer.scope, at);
        get(peer.own, at);
    }
    LEDGE_ASSERT(at == bytes.data() + bytes.size());
    return peer;
}

os::SocketAddress system_address(const UdpPeer& peer, int family) {
    if (family == AF_INET) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(peer.port);
        address.sin_addr = unmapped(peer.ip);
        return {reinterpret_cast<const sockaddr*>(&address), sizeof(address)};
    }
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(peer.port);
    address.sin6_addr = peer.ip;
    address.sin6_scope_id = peer.scope;
    return {reinterpret_cast<const sockaddr*>(&address), sizeof(address)};
}

}  // namespace ledge::link
