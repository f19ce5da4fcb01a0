// Opens the sockets of an endpoint: TCP on one or several addresses, or a Unix socket with its file.
#include "listening_socket.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/base/ip_text.hpp"
#include "ledge/os/address.hpp"
#include "ledge/os/given_sockets.hpp"
#include "ledge/os/look_up.hpp"

namespace ledge::transport {

using Sockets = std::vector<ListeningSocket>;

ListeningSocket::ListeningSocket(ListeningSocket&& other) noexcept
    : socket_(std::move(other.socket_)),
      address_(std::move(other.address_)),
      port_(other.port_),
      path_(std::exchange(other.path_, {})),
      file_device_(other.file_device_),
      file_inode_(other.file_inode_) {}

// The file is compared with the one that bind(2) made: a second broker may have replaced it by its own.
ListeningSocket::~ListeningSocket() {
    socket_.reset();
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
    LEDGE_ASSERT(path_.empty());
    struct stat file {};
    if (::lstat(path.c_str(), &file) != 0) return;
    path_ = std::move(path);
    file_device_ = file.st_dev;
    file_inode_ = file.st_ino;
}

namespace {

constexpr std::size_t addresses_max = 64;  // the addresses of one name; further addresses are ignored

Failure<Error> refusal(std::string address, std::error_code code) {
    return Failure{Error{code, "cannot listen on {}", std::move(address)}};
}

Failure<Error> refusal(std::string address, int error) { return refusal(std::move(address), system_code(error)); }

// ---------------------------------------------------------------------------------------------------------------------
// TCP

/// The addresses of the endpoint's host. Blocks if the host needs_look_up().
Result<std::vector<os::SocketAddress>, Error> resolve(const Endpoint& endpoint) {
    using os::SocketAddress;
    const std::uint16_t port = endpoint.port;
    // Two sockets, one for each family: with one socket for both, the peer addresses would have another form, and a
    // machine without IPv6 could not listen at all.
    const bool is_everywhere = endpoint.host.empty() || (endpoint.host == "::" && !endpoint.is_ipv6_only);
    if (is_everywhere) return std::vector{SocketAddress::any_ipv6(port), SocketAddress::any_ipv4(port)};
    if (endpoint.host == "localhost")
        return std::vector{SocketAddress::loopback_ipv4(port), SocketAddress::loopback_ipv6(port)};
    if (const auto ip = parse_ip(endpoint.host)) return std::vector{SocketAddress(*ip, port)};
    LEDGE_ASSERT(needs_look_up(endpoint));
    auto addresses = os::look_up(endpoint.host, os::NameKind::any, addresses_max);
    if (!addresses) return refusal(to_text(endpoint), addresses.error().code);
    return std::move(*addresses);
}

bool set_on(int descriptor, int level, int name) {
    const int on = 1;
    return ::setsockopt(descriptor, level, name, &on, sizeof on) == 0;
}

/// Sets the options of a listening socket. On Linux every accepted socket inherits them, which saves two system calls
/// per connection.
bool set_options(int descriptor) {
    // TCP_NODELAY: the driver collects the output of a turn itself.
    if (!set_on(descriptor, SOL_SOCKET, SO_KEEPALIVE) || !set_on(descriptor, IPPROTO_TCP, TCP_NODELAY)) return false;
    // A failure is ignored: a system without one of these options uses its own times.
    const auto tune = [&](int name, std::int64_t value) {
        const auto number = static_cast<int>(value);
        ::setsockopt(descriptor, IPPROTO_TCP, name, &number, sizeof number);
    };
    tune(TCP_KEEPIDLE, tcp_keep_alive_idle / 1s);
    tune(TCP_KEEPINTVL, tcp_keep_alive_interval / 1s);
    tune(TCP_KEEPCNT, tcp_keep_alive_probes);
    tune(TCP_USER_TIMEOUT, tcp_user_timeout / 1ms);
    return true;
}

/// Makes a bound socket a listening one. A socket that another process has bound may listen already; then the call only
/// changes its backlog.
Result<ListeningSocket, std::error_code> listen_on(os::Descriptor descriptor, int backlog) {
    if (!set_options(descriptor.get()) || ::listen(descriptor.get(), backlog) != 0) return Failure{system_code(errno)};
    // With port 0 the system chooses the port, and logs and tests need the real one.
    const os::SocketAddress bound = os::own_address(descriptor.get());
    if (!bound.ip()) return Failure{system_code(errno)};
    ListeningSocket socket(std::move(descriptor));
    socket.set_address(to_text(bound), bound.port());
    return socket;
}

Result<ListeningSocket, std::error_code> listen_tcp(const os::SocketAddress& address, int backlog) {
    os::Descriptor descriptor(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!descriptor.is_open()) return Failure{system_code(errno)};
    // Otherwise the IPv6 socket would occupy the port of the IPv4 socket.
    if (address.family() == AF_INET6 && !set_on(descriptor.get(), IPPROTO_IPV6, IPV6_V6ONLY))
        return Failure{system_code(errno)};
    // Without SO_REUSEADDR a restart would fail while old connections are in TIME_WAIT.
    if (!set_on(descriptor.get(), SOL_SOCKET, SO_REUSEADDR)) return Failure{system_code(errno)};
    if (::bind(descriptor.get(), address.get(), address.size()) != 0) return Failure{system_code(errno)};
    return listen_on(std::move(descriptor), backlog);
}

/// True for a socket of all interfaces of IPv6 that accepts IPv4 too. The broker makes none, but systemd does.
bool is_dual(int descriptor) {
    int is_ipv6_only = 1;
    socklen_t size = sizeof is_ipv6_only;
    return ::getsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &is_ipv6_only, &size) == 0 && is_ipv6_only == 0;
}

/// True for the errors of an address family or address that this machine does not have. A name or "" stands for several
/// addresses, and a machine without IPv6 must still be able to listen on the others.
bool is_absent_family(std::error_code error) {
    return error == std::errc::address_family_not_supported || error == std::errc::address_not_available;
}

Result<Sockets, Error> open_tcp(const Endpoint& endpoint, std::vector<os::SocketAddress> addresses, int backlog,
                                os::GivenSockets* offered) {
    Sockets sockets;
    std::error_code absent = system_code(EADDRNOTAVAIL);
    for (os::SocketAddress& address : addresses) {
        // One port for all addresses, also if the system has chosen it.
        address.set_port(sockets.empty() ? endpoint.port : sockets.front().port());
        if (address.family() == AF_INET && !sockets.empty() && is_dual(sockets.front().descriptor())) continue;
        auto given = offered != nullptr ? offered->take(SOCK_STREAM, address) : std::nullopt;
        auto socket = given ? listen_on(std::move(given->socket), backlog) : listen_tcp(address, backlog);
        if (socket) {
            sockets.push_back(std::move(*socket));
        } else if (is_absent_family(socket.error())) {
            absent = socket.error();
        } else {
            return refusal(to_text(address), socket.error());
        }
    }
    if (sockets.empty()) return refusal(to_text(endpoint), absent);
    return sockets;
}

/// Uses sockets that are meant for the endpoint by the name of its listener, whatever their addresses are.
Result<Sockets, Error> adopt_tcp(std::vector<os::GivenSocket> given, int backlog) {
    Sockets sockets;
    for (os::GivenSocket& one : given) {
        std::string text = to_text(os::own_address(one.socket.get()));
        auto socket = listen_on(std::move(one.socket), backlog);
        if (!socket) return refusal(std::move(text), socket.error());
        sockets.push_back(std::move(*socket));
    }
    return sockets;
}

// ---------------------------------------------------------------------------------------------------------------------
// Unix

/// True when the socket file was left behind by a process that has ended. Connecting to such a file is refused.
bool is_stale(const std::string& path, const os::SocketAddress& address) {
    struct stat file {};
    // Never remove a file that is not a socket: the path may be a mistake in the configuration.
    if (::lstat(path.c_str(), &file) != 0 || !S_ISSOCK(file.st_mode)) return false;
    const os::Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket.is_open()) return false;
    return ::connect(socket.get(), address.get(), address.size()) != 0 && errno == ECONNREFUSED;
}

/// Binds to a socket file, and replaces a stale one. Returns 0 or an errno.
int bind_file(int descriptor, const std::string& path, const os::SocketAddress& address) {
    const auto bind = [&] { return ::bind(descriptor, address.get(), address.size()) == 0 ? 0 : errno; };
    const int error = bind();
    // bind(2) never replaces a file, not even one without a process behind it.
    if (error != EADDRINUSE) return error;
    return is_stale(path, address) && ::unlink(path.c_str()) == 0 ? bind() : EADDRINUSE;
}

/// Uses a socket that has its file already.
Result<Sockets, Error> adopt_unix(const Endpoint& endpoint, os::GivenSocket given, int backlog) {
    if (::listen(given.socket.get(), backlog) != 0) return refusal(to_text(endpoint), errno);
    Sockets sockets;
    sockets.emplace_back(std::move(given.socket));
    sockets.back().set_address(to_text(endpoint), 0);
    if (given.is_file_ours) sockets.back().own_file(endpoint.path);
    return sockets;
}

Result<Sockets, Error> open_unix(const Endpoint& endpoint, int backlog, os::GivenSockets* offered) {
    const auto address = os::SocketAddress::of_path(endpoint.path);
    if (!address)
        return Failure{Error{{}, "cannot listen on {}: the path must have 1 to 107 bytes", to_text(endpoint)}};
    // A socket whose file is gone cannot be reached any more: a new broker that fails in an upgrade removes the file.
    if (auto given = offered != nullptr ? offered->take(SOCK_STREAM, *address) : std::nullopt;
        given && ::access(endpoint.path.c_str(), F_OK) == 0)
        return adopt_unix(endpoint, std::move(*given), backlog);
    os::Descriptor opened(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!opened.is_open()) return refusal(to_text(endpoint), errno);
    const int descriptor = opened.get();
    Sockets sockets;
    sockets.emplace_back(std::move(opened));
    sockets.back().set_address(to_text(endpoint), 0);
    if (const int error = bind_file(descriptor, endpoint.path, *address)) return refusal(to_text(endpoint), error);
    // From here on, the destructor removes the file if a later step fails.
    sockets.back().own_file(endpoint.path);
    // The mode is set before listen(): until listen(), nobody can connect with the wider permissions of the new file.
    if (::chmod(endpoint.path.c_str(), S_IRUSR | S_IWUSR | S_IRGRP | S_IWGRP) != 0)
        return refusal(to_text(endpoint), errno);
    if (::listen(descriptor, backlog) != 0) return refusal(to_text(endpoint), errno);
    return sockets;
}

}  // namespace

bool may_pass(const Error& error) {
    return error.code.category() == os::resolver_category() || error.code == std::errc::address_not_available;
}

Result<Sockets, Error> open_listening_sockets(const Endpoint& endpoint, int backlog, const OfferedSockets& offered) {
    if (endpoint.kind == Endpoint::Kind::unix_socket) return open_unix(endpoint, backlog, offered.sockets);
    // The service manager may mean a socket by its name. After an upgrade the name counts only where the address of the
    // configuration does not tell the address of the socket.
    const bool counts_name =
        offered.sockets != nullptr && (offered.sockets->from() == os::GivenSockets::From::service_manager ||
                                       endpoint.port == 0 || needs_look_up(endpoint));
    if (counts_name) {
        auto given = offered.sockets->take_named(SOCK_STREAM, offered.listener);
        if (!given.empty()) return adopt_tcp(std::move(given), backlog);
    }
    auto addresses = resolve(endpoint);
    if (!addresses) return Failure{addresses.error()};
    return open_tcp(endpoint, std::move(*addresses), backlog, offered.sockets);
}

Result<Sockets, Error> open_listening_sockets(const Endpoint& endpoint, std::vector<os::SocketAddress> addresses,
                                              int backlog) {
    LEDGE_ASSERT(endpoint.kind == Endpoint::Kind::tcp);
    return open_tcp(endpoint, std::move(addresses), backlog, nullptr);
}

}  // namespace ledge::transport
