#include "listening_socket.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace ledge::transport {

using Sockets = std::vector<ListeningSocket>;

ListeningSocket::ListeningSocket(ListeningSocket&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      address_(std::move(other.address_)),
      port_(other.port_),
      path_(std::exchange(other.path_, {})),
      file_device_(other.file_device_),
      file_inode_(other.file_inode_) {}

ListeningSocket::~ListeningSocket() {
    if (descriptor_ >= 0) ::close(descriptor_);
    struct stat file {};
    const bool is_ours = !path_.empty() && ::lstat(path_.c_str(), &file) == 0 && file.st_dev == file_device_ &&
                         file.st_ino == file_inode_;
    if (is_ours) ::unlink(path_.c_str());
}

void ListeningSocket::set_address(std::string address, std::uint16_t port) {
    address_ = std::move(address);
    port_ = port;
}

void ListeningSocket::own_file(std::string path) {
    struct stat file {};
    if (::lstat(path.c_str(), &file) != 0) return;
    path_ = std::move(path);
    file_device_ = file.st_dev;
    file_inode_ = file.st_ino;
}

namespace {

Failure<ListenProblem> refusal(const std::string& address, const std::string& reason, bool may_pass = false) {
    return Failure{ListenProblem{"cannot listen on " + address + ": " + reason, may_pass}};
}

Failure<ListenProblem> refusal(const std::string& address, int error) {
    return refusal(address, std::strerror(error), error == EADDRNOTAVAIL);
}

// ---------------------------------------------------------------------------------------------------------------------
// TCP

struct Address {
    sockaddr_storage storage{};
    socklen_t size = 0;
};

Address ipv4(in_addr address, std::uint16_t port) {
    sockaddr_in value{};
    value.sin_family = AF_INET;
    value.sin_addr = address;
    value.sin_port = htons(port);
    Address result;
    std::memcpy(&result.storage, &value, sizeof value);
    result.size = sizeof value;
    return result;
}

Address ipv6(const in6_addr& address, std::uint16_t port) {
    sockaddr_in6 value{};
    value.sin6_family = AF_INET6;
    value.sin6_addr = address;
    value.sin6_port = htons(port);
    Address result;
    std::memcpy(&result.storage, &value, sizeof value);
    result.size = sizeof value;
    return result;
}

// The port stands at the same place in both families.
std::uint16_t port_of(const Address& address) {
    sockaddr_in value{};
    std::memcpy(&value, &address.storage, sizeof value);
    return ntohs(value.sin_port);
}

void set_port(Address& address, std::uint16_t port) {
    sockaddr_in value{};
    std::memcpy(&value, &address.storage, sizeof value);
    value.sin_port = htons(port);
    std::memcpy(&address.storage, &value, sizeof value);
}

/// The resolver knows the name, and only it: an address is not looked up, so that no resolver library is loaded.
Result<std::vector<Address>, ListenProblem> look_up(const Endpoint& endpoint) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE;
    addrinfo* found = nullptr;
    const int error = ::getaddrinfo(endpoint.host.c_str(), std::to_string(endpoint.port).c_str(), &hints, &found);
    if (error != 0) return refusal(to_text(endpoint), ::gai_strerror(error), true);
    std::vector<Address> addresses;
    for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
        Address address;
        if (entry->ai_addrlen > sizeof address.storage) continue;
        std::memcpy(&address.storage, entry->ai_addr, entry->ai_addrlen);
        address.size = entry->ai_addrlen;
        addresses.push_back(address);
    }
    ::freeaddrinfo(found);
    return addresses;
}

Result<std::vector<Address>, ListenProblem> resolve(const Endpoint& endpoint) {
    const std::uint16_t port = endpoint.port;
    const bool is_everywhere = endpoint.host.empty() || (endpoint.host == "::" && !endpoint.is_ipv6_only);
    if (is_everywhere) return std::vector{ipv6(in6addr_any, port), ipv4({htonl(INADDR_ANY)}, port)};
    if (endpoint.host == "localhost")
        return std::vector{ipv4({htonl(INADDR_LOOPBACK)}, port), ipv6(in6addr_loopback, port)};
    in_addr four{};
    if (::inet_pton(AF_INET, endpoint.host.c_str(), &four) == 1) return std::vector{ipv4(four, port)};
    in6_addr six{};
    if (::inet_pton(AF_INET6, endpoint.host.c_str(), &six) == 1) return std::vector{ipv6(six, port)};
    return look_up(endpoint);
}

/// What is set here is inherited by every accepted socket (Linux): two calls less per connection.
bool set_options(int descriptor, int family) {
    const int on = 1;
    const auto set = [&](int level, int name) { return ::setsockopt(descriptor, level, name, &on, sizeof on) == 0; };
    if (family == AF_INET6 && !set(IPPROTO_IPV6, IPV6_V6ONLY)) return false;
    if (!set(SOL_SOCKET, SO_REUSEADDR) || !set(SOL_SOCKET, SO_KEEPALIVE) || !set(IPPROTO_TCP, TCP_NODELAY))
        return false;
    const auto tune = [&](int name, std::int64_t value) {  // a system without it has times of its own
        const auto number = static_cast<int>(value);
        ::setsockopt(descriptor, IPPROTO_TCP, name, &number, sizeof number);
    };
    tune(TCP_KEEPIDLE, tcp_keep_alive_idle / 1s);
    tune(TCP_KEEPINTVL, tcp_keep_alive_interval / 1s);
    tune(TCP_KEEPCNT, tcp_keep_alive_probes);
    tune(TCP_USER_TIMEOUT, tcp_user_timeout / 1ms);
    return true;
}

/// The error is an errno.
Result<ListeningSocket, int> listen_tcp(const Address& address, int backlog) {
    const int family = address.storage.ss_family;
    const int descriptor = ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return Failure{errno};
    ListeningSocket socket(descriptor);
    if (!set_options(descriptor, family)) return Failure{errno};
    if (::bind(descriptor, reinterpret_cast<const sockaddr*>(&address.storage), address.size) != 0)
        return Failure{errno};
    if (::listen(descriptor, backlog) != 0) return Failure{errno};
    Address bound;
    bound.size = sizeof bound.storage;
    if (::getsockname(descriptor, reinterpret_cast<sockaddr*>(&bound.storage), &bound.size) != 0) return Failure{errno};
    socket.set_address(to_text(bound.storage), port_of(bound));
    return socket;
}

/// A name stands for several addresses; a machine without IPv6 is no reason to refuse it.
bool is_absent_family(int error) { return error == EAFNOSUPPORT || error == EADDRNOTAVAIL; }

Result<Sockets, ListenProblem> open_tcp(const Endpoint& endpoint, int backlog) {
    auto addresses = resolve(endpoint);
    if (!addresses) return Failure{addresses.error()};
    Sockets sockets;
    int absent = EADDRNOTAVAIL;
    for (Address& address : *addresses) {
        if (!sockets.empty())
            set_port(address, sockets.front().port());  // one port for all, also when the system chose it
        auto socket = listen_tcp(address, backlog);
        if (socket) {
            sockets.push_back(std::move(*socket));
        } else if (is_absent_family(socket.error())) {
            absent = socket.error();
        } else {
            return refusal(to_text(address.storage), socket.error());
        }
    }
    if (sockets.empty()) return refusal(to_text(endpoint), absent);
    return sockets;
}

// ---------------------------------------------------------------------------------------------------------------------
// Unix

/// Somebody answers at `address`; a refused connection means that its process is gone and the file was left behind.
bool is_stale(const sockaddr_un& address) {
    struct stat file {};
    if (::lstat(address.sun_path, &file) != 0 || !S_ISSOCK(file.st_mode)) return false;
    const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return false;
    const bool is_refused = ::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
                            errno == ECONNREFUSED;
    ::close(descriptor);
    return is_refused;
}

bool bind_file(int descriptor, const sockaddr_un& address) {
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    if (::bind(descriptor, generic, sizeof address) == 0) return true;
    if (errno != EADDRINUSE) return false;
    if (is_stale(address) && ::unlink(address.sun_path) == 0) return ::bind(descriptor, generic, sizeof address) == 0;
    errno = EADDRINUSE;
    return false;
}

Result<Sockets, ListenProblem> open_unix(const Endpoint& endpoint, int backlog) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (endpoint.path.empty() || endpoint.path.size() >= sizeof address.sun_path) {
        return refusal(to_text(endpoint), "the path must have 1 to 107 bytes");
    }
    endpoint.path.copy(address.sun_path, sizeof address.sun_path - 1);
    const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return refusal(to_text(endpoint), errno);
    Sockets sockets;
    sockets.emplace_back(descriptor);
    sockets.back().set_address(to_text(endpoint), 0);
    if (!bind_file(descriptor, address)) return refusal(to_text(endpoint), errno);
    sockets.back().own_file(endpoint.path);
    // Before listen(): nobody can connect with the wider rights of the first moment.
    if (::chmod(address.sun_path, S_IRUSR | S_IWUSR | S_IRGRP | S_IWGRP) != 0) return refusal(to_text(endpoint), errno);
    if (::listen(descriptor, backlog) != 0) return refusal(to_text(endpoint), errno);
    return sockets;
}

}  // namespace

Result<Sockets, ListenProblem> open_listening_sockets(const Endpoint& endpoint, int backlog) {
    return endpoint.kind == Endpoint::Kind::tcp ? open_tcp(endpoint, backlog) : open_unix(endpoint, backlog);
}

}  // namespace ledge::transport
