// SocketAddress: the address of one end of a socket, as bind(2), connect(2) and accept(2) know it, and as text. No
// other file takes the system's sockaddr structures apart. Any thread.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ledge/base/network.hpp"
#include "ledge/os/descriptor.hpp"

namespace ledge::os {

class SocketAddress {
public:
    /// An address of no family: the peer of a Unix socket that has no name.
    SocketAddress() = default;
    /// The family is IPv4 for a mapped IPv4 address, and IPv6 otherwise.
    SocketAddress(const IpAddress& address, std::uint16_t port);
    /// Copies an address that the system has made; one that is too long becomes an address of no family.
    SocketAddress(const sockaddr* address, socklen_t size);
    /// The address of a Unix socket with a file. nullopt: the path is empty or has more than unix_path_bytes_max bytes.
    static std::optional<SocketAddress> of_path(std::string_view path);
    /// The address of a Unix socket whose name is in the kernel's abstract namespace, without a file. The same limits.
    static std::optional<SocketAddress> of_abstract_name(std::string_view name);

    static constexpr std::size_t unix_path_bytes_max = 107;

    /// All interfaces.
    static SocketAddress any_ipv4(std::uint16_t port);
    static SocketAddress any_ipv6(std::uint16_t port);
    /// This machine.
    static SocketAddress loopback_ipv4(std::uint16_t port);
    static SocketAddress loopback_ipv6(std::uint16_t port);

    /// For calls of the system.
    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage_); }
    socklen_t size() const { return size_; }
    int family() const { return storage_.ss_family; }

    /// nullopt: the address is neither IPv4 nor IPv6.
    std::optional<IpAddress> ip() const;
    /// 0: the address has none.
    std::uint16_t port() const;
    /// Requires an IPv4 or IPv6 address.
    void set_port(std::uint16_t port);

private:
    friend Descriptor accept_from(int listener, SocketAddress& peer);
    friend SocketAddress own_address(int socket);

    sockaddr_storage storage_{};
    socklen_t size_ = 0;
};

/// "192.0.2.7:51123", "[2001:db8::1]:51123"; "unix" for every other family. An IPv4 peer of an IPv6 socket is shown as
/// IPv4.
std::string to_text(const SocketAddress& address);

/// Accepts one connection; the new socket never blocks. On failure the descriptor is empty and errno says why.
Descriptor accept_from(int listener, SocketAddress& peer);

/// The address that the socket is bound to, with the port that the system has chosen. No family: the system refuses.
SocketAddress own_address(int socket);

}  // namespace ledge::os
