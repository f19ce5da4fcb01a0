// ListeningSocket: a bound descriptor in the listening state, its address in words, and the socket file that goes
// away with it. open_listening_sockets() makes those of one endpoint.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "ledge/base/result.hpp"
#include "ledge/base/time.hpp"
#include "ledge/os/descriptor.hpp"
#include "ledge/transport/endpoint.hpp"

namespace ledge::transport {

/// TCP notices a peer that is gone without a word (power, radio, a router that forgets), whatever MQTT's keep alive is.
/// After a minute of silence TCP asks the peer. Bytes that are not acknowledged for five minutes end the connection.
inline constexpr Duration tcp_keep_alive_idle = 60s;
inline constexpr Duration tcp_keep_alive_interval = 15s;
inline constexpr int tcp_keep_alive_probes = 4;
inline constexpr Duration tcp_user_timeout = 5min;  // it replaces the number of probes where the system has it

class ListeningSocket {
public:
    explicit ListeningSocket(os::Descriptor socket) : socket_(std::move(socket)) {}
    ListeningSocket(ListeningSocket&& other) noexcept;
    ListeningSocket& operator=(ListeningSocket&&) = delete;
    ~ListeningSocket();

    int descriptor() const { return socket_.get(); }
    const std::string& address() const { return address_; }
    std::uint16_t port() const { return port_; }  // 0: no TCP
    void set_address(std::string address, std::uint16_t port);

    /// The file at `path` is this socket's: it is removed at the end, unless another one has taken its place.
    void own_file(std::string path);

private:
    os::Descriptor socket_;
    std::string address_;
    std::uint16_t port_ = 0;
    std::string path_;
    dev_t file_device_ = 0;
    ino_t file_inode_ = 0;
};

/// All addresses of `endpoint`, at least one. See Listener::create.
Result<std::vector<ListeningSocket>, ListenProblem> open_listening_sockets(const Endpoint& endpoint, int backlog);

}  // namespace ledge::transport
