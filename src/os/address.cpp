#include "ledge/os/address.hpp"

#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>

#include "ledge/base/assert.hpp"
#include "ledge/base/ip_text.hpp"
#include "ledge/os/descriptor.hpp"

namespace ledge::os {
namespace {

// The port stands at the same place in both structures, so one set of functions serves IPv4 and IPv6.
static_assert(offsetof(sockaddr_in, sin_port) == offsetof(sockaddr_in6, sin6_port));
static_assert(SocketAddress::unix_path_bytes_max + 1 == sizeof(sockaddr_un::sun_path));
static_assert(sizeof(sockaddr_un) <= sizeof(sockaddr_storage), "an address of each family fits the storage");

/// The storage as the system's structure of one family. The bytes are copied, because reading them through a cast
/// pointer would break the aliasing rules of C++.
template <class T>
T copied_from(const sockaddr_storage& storage) {
    T value{};
    std::memcpy(&value, &storage, sizeof value);
    return value;
}

bool is_ip(const sockaddr_storage& storage) { return storage.ss_family == AF_INET || storage.ss_family == AF_INET6; }

constexpr IpAddress loopback_of_ipv6{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
constexpr std::array<std::uint8_t, 4> loopback_of_ipv4{127, 0, 0, 1};
constexpr std::array<std::uint8_t, 4> any_of_ipv4{};

}  // namespace

SocketAddress::SocketAddress(const IpAddress& address, std::uint16_t port) {
    if (is_ipv4(address)) {
        sockaddr_in value{};
        value.sin_family = AF_INET;
        std::memcpy(&value.sin_addr, address.data() + mapped_prefix_bits / 8, sizeof value.sin_addr);
        std::memcpy(&storage_, &value, sizeof value);
        size_ = sizeof value;
    } else {
        sockaddr_in6 value{};
        value.sin6_family = AF_INET6;
        std::memcpy(&value.sin6_addr, address.data(), address.size());
        std::memcpy(&storage_, &value, sizeof value);
        size_ = sizeof value;
    }
    set_port(port);
}

SocketAddress::SocketAddress(const sockaddr* address, socklen_t size) {
    if (size > sizeof storage_) return;
    std::memcpy(&storage_, address, size);
    size_ = size;
}

std::optional<SocketAddress> SocketAddress::of_path(std::string_view path) {
    if (path.empty() || path.size() > unix_path_bytes_max) return std::nullopt;
    sockaddr_un value{};
    value.sun_family = AF_UNIX;
    std::copy(path.begin(), path.end(), value.sun_path);
    return SocketAddress(reinterpret_cast<const sockaddr*>(&value), sizeof value);
}

// unix(7): an abstract name begins after a zero byte and ends where the address ends. The size of the address therefore
// determines the name.
std::optional<SocketAddress> SocketAddress::of_abstract_name(std::string_view name) {
    if (name.empty() || name.size() > unix_path_bytes_max) return std::nullopt;
    sockaddr_un value{};
    value.sun_family = AF_UNIX;
    std::copy(name.begin(), name.end(), value.sun_path + 1);
    const std::size_t size = offsetof(sockaddr_un, sun_path) + 1 + name.size();
    return SocketAddress(reinterpret_cast<const sockaddr*>(&value), static_cast<socklen_t>(size));
}

SocketAddress SocketAddress::any_ipv4(std::uint16_t port) { return {mapped_ipv4(any_of_ipv4), port}; }
SocketAddress SocketAddress::any_ipv6(std::uint16_t port) { return {IpAddress{}, port}; }
SocketAddress SocketAddress::loopback_ipv4(std::uint16_t port) { return {mapped_ipv4(loopback_of_ipv4), port}; }
SocketAddress SocketAddress::loopback_ipv6(std::uint16_t port) { return {loopback_of_ipv6, port}; }

std::optional<IpAddress> SocketAddress::ip() const {
    if (storage_.ss_family == AF_INET) {
        const auto value = copied_from<sockaddr_in>(storage_);
        std::array<std::uint8_t, 4> four{};
        std::memcpy(four.data(), &value.sin_addr, four.size());
        return mapped_ipv4(four);
    }
    if (storage_.ss_family == AF_INET6) {
        const auto value = copied_from<sockaddr_in6>(storage_);
        IpAddress six{};
        std::memcpy(six.data(), &value.sin6_addr, six.size());
        return six;
    }
    return std::nullopt;
}

std::uint16_t SocketAddress::port() const {
    return is_ip(storage_) ? ntohs(copied_from<sockaddr_in>(storage_).sin_port) : std::uint16_t{0};
}

void SocketAddress::set_port(std::uint16_t port) {
    LEDGE_ASSERT(is_ip(storage_));
    // One write serves both families: the assertion at the top of this file says that the fields coincide.
    const std::uint16_t in_network_order = htons(port);
    std::memcpy(reinterpret_cast<char*>(&storage_) + offsetof(sockaddr_in, sin_port), &in_network_order,
                sizeof in_network_order);
}

// unix(7): the path ends at its zero byte, or where the address ends. An abstract name begins with a zero byte.
std::string SocketAddress::path() const {
    if (storage_.ss_family != AF_UNIX || size_ <= offsetof(sockaddr_un, sun_path)) return {};
    const auto value = copied_from<sockaddr_un>(storage_);
    const std::size_t size_max = std::min(size_ - offsetof(sockaddr_un, sun_path), sizeof value.sun_path);
    return {value.sun_path, ::strnlen(value.sun_path, size_max)};
}

bool operator==(const SocketAddress& a, const SocketAddress& b) {
    if (a.family() != b.family()) return false;
    if (is_ip(a.storage_)) return a.ip() == b.ip() && a.port() == b.port();
    const std::string path = a.path();
    return !path.empty() && path == b.path();
}

std::string to_text(const SocketAddress& address) {
    const auto ip = address.ip();
    if (!ip) return "unix";
    const std::string host = is_ipv4(*ip) ? ip_text(*ip) : "[" + ip_text(*ip) + "]";
    return host + ":" + std::to_string(address.port());
}

Descriptor accept_from(int listener, SocketAddress& peer) {
    peer = SocketAddress{};
    peer.size_ = sizeof peer.storage_;
    return Descriptor(
        ::accept4(listener, reinterpret_cast<sockaddr*>(&peer.storage_), &peer.size_, SOCK_NONBLOCK | SOCK_CLOEXEC));
}

SocketAddress own_address(int socket) {
    SocketAddress address;
    address.size_ = sizeof address.storage_;
    if (::getsockname(socket, reinterpret_cast<sockaddr*>(&address.storage_), &address.size_) != 0) return {};
    return address;
}

}  // namespace ledge::os
