// SocketAddress: the address of one end of a socket, as bind(2), connect(2) and accept(2) use it, and as text. This is
// the only file that reads the fields of the system's sockaddr structures. Whoever needs an address owns a copy of it.
// Any thread may use the functions.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ledge/base/network.hpp"

namespace ledge::os {

class Descriptor;

class SocketAddress {
public:
    /// An address of no family. The peer of a Unix socket has such an address when its socket is bound to no name.
    SocketAddress() = default;
    /// The family is IPv4 for a mapped IPv4 address, and IPv6 otherwise.
    SocketAddress(const IpAddress& address, std::uint16_t port);
    /// Copies an address that the system has made. An address longer than sockaddr_storage becomes one of no family.
    SocketAddress(const sockaddr* address, socklen_t size);
    /// The address of a Unix socket with a file. Returns nullopt when the path is empty or longer than
    /// unix_path_bytes_max.
    static std::optional<SocketAddress> of_path(std::string_view path);
    /// The address of a Unix socket whose name is in the kernel's abstract namespace, without a file. Returns nullopt
    /// when the name is empty or longer than unix_path_bytes_max.
    static std::optional<SocketAddress> of_abstract_name(std::string_view name);

    static constexpr std::size_t unix_path_bytes_max = 107;

    /// The address that stands for all interfaces of this machine.
    static SocketAddress any_ipv4(std::uint16_t port);
    static SocketAddress any_ipv6(std::uint16_t port);
    /// The address by which this machine reaches itself.
    static SocketAddress loopback_ipv4(std::uint16_t port);
    static SocketAddress loopback_ipv6(std::uint16_t port);

    /// The address in the form that system calls take: pointer, size and family.
    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage_); }
    socklen_t size() const { return size_; }
    int family() const { return storage_.ss_family; }

    /// Returns nullopt when the address is neither IPv4 nor IPv6.
    std::optional<IpAddress> ip() const;
    /// Returns 0 when the address has no port.
    std::uint16_t port() const;
    /// Requires an IPv4 or IPv6 address.
    void set_port(std::uint16_t port);
    /// The path of a Unix socket with a file; "" for every other address.
    std::string path() const;

    /// The same address and port, or the same path. An address of another kind equals no address.
    friend bool operator==(const SocketAddress& a, const SocketAddress& b);

private:
    friend Descriptor accept_from(int listener, SocketAddress& peer);
    friend SocketAddress own_address(int socket);

    sockaddr_storage storage_{};
    socklen_t size_ = 0;
};

/// "192.0.2.7:51123", "[2001:db8::1]:51123"; "unix" for every other family. An IPv4 peer of an IPv6 socket is shown as
/// IPv4.
std::string to_text(const SocketAddress& address);

/// Accepts one connection and stores the address of its other end in `peer`. The new socket is non-blocking. On failure
/// the descriptor is empty and errno says why.
Descriptor accept_from(int listener, SocketAddress& peer);

/// The address that the socket is bound to, with the port that the system has chosen. The result has no family when the
/// system refuses to tell; errno says why.
SocketAddress own_address(int socket);

}  // namespace ledge::os
