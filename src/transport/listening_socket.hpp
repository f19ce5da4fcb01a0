// ListeningSocket: owns a bound descriptor in the listening state, its address as text, and the file of a Unix socket,
// which is removed at the end. open_listening_sockets() makes all sockets of one endpoint. A Listener's acceptors own
// them, on the shard's thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "ledge/base/result.hpp"
#include "ledge/base/time.hpp"
#include "ledge/os/address.hpp"
#include "ledge/os/descriptor.hpp"
#include "ledge/transport/endpoint.hpp"
#include "ledge/transport/offered_sockets.hpp"

namespace ledge::transport {

/// TCP's timeouts notice a peer that vanishes without a FIN (power loss, radio loss, a router that loses its table),
/// independently of MQTT's keep alive. After a minute of silence, TCP sends a probe to the peer. Bytes that the peer
/// does not acknowledge for five minutes end the connection.
inline constexpr Duration tcp_keep_alive_idle = 60s;
inline constexpr Duration tcp_keep_alive_interval = 15s;
inline constexpr int tcp_keep_alive_probes = 4;
inline constexpr Duration tcp_user_timeout = 5min;  // where the system has this option, it replaces the probe count

class ListeningSocket {
public:
    explicit ListeningSocket(os::Descriptor socket) : socket_(std::move(socket)) {}
    ListeningSocket(ListeningSocket&& other) noexcept;
    ListeningSocket& operator=(ListeningSocket&&) = delete;
    ~ListeningSocket();

    int descriptor() const { return socket_.get(); }
    const std::string& address() const { return address_; }
    std::uint16_t port() const { return port_; }  // 0 = a Unix socket
    void set_address(std::string address, std::uint16_t port);

    /// Declares that the file at `path` belongs to this socket. The destructor removes the file, unless another file
    /// has replaced it. Call this at most once.
    void own_file(std::string path);
    bool owns_file() const { return !path_.empty(); }
    /// The destructor leaves the file alone.
    void disown_file() { path_.clear(); }

private:
    os::Descriptor socket_;
    std::string address_;
    std::uint16_t port_ = 0;
    std::string path_;
    dev_t file_device_ = 0;
    ino_t file_inode_ = 0;
};

/// Opens the sockets for all addresses of `endpoint`, or takes them from `offered`; the result has at least one socket.
/// See Listener::create.
Result<std::vector<ListeningSocket>, Error> open_listening_sockets(const Endpoint& endpoint, int backlog,
                                                                   const OfferedSockets& offered = {});
/// As above, for an endpoint whose host has these addresses.
Result<std::vector<ListeningSocket>, Error> open_listening_sockets(const Endpoint& endpoint,
                                                                   std::vector<os::SocketAddress> addresses,
                                                                   int backlog);

}  // namespace ledge::transport
