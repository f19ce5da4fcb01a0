// Front: turns a socket that a listener has accepted into a link of the driver. A plain front makes the link at once.
// Other fronts do something before: they read a PROXY header, make a TLS handshake, or answer HTTP requests, one of
// which may become a WebSocket. Each endpoint has one front; the BrokerLoop owns it. On the shard's thread.
#pragma once

#include <cstdint>
#include <memory>

#include "ledge/base/log.hpp"
#include "ledge/base/time.hpp"
#include "ledge/os/address.hpp"
#include "ledge/transport/driver.hpp"
#include "ledge/transport/tls_counters.hpp"

namespace ledge::transport {

class Front {
public:
    Front() = default;
    Front(const Front&) = delete;
    Front& operator=(const Front&) = delete;
    /// Closes the sockets that have not become links.
    virtual ~Front() = default;

    /// Takes over a connected non-blocking socket. `address` is the peer's address.
    virtual void accept(os::Descriptor socket, const os::SocketAddress& address) = 0;

    /// Reads the front's files (certificates and keys) again.
    virtual void reload() {}

    /// Closes the peers whose deadline has passed. Afterwards next_deadline() is later than now.
    virtual void on_time(Instant now) { static_cast<void>(now); }
    /// The next instant at which on_time() must be called; `never` when no peer has a deadline.
    virtual Instant next_deadline() const { return never; }
    /// The number of peers whose bytes Asio reads and writes, with or without a link. If there are such peers, the loop
    /// runs several Asio handlers per turn.
    virtual std::size_t asio_peers() const { return 0; }
    virtual TlsCounters tls_counters() const { return {}; }
};

/// How the broker learns a peer's user name without MQTT's CONNECT.
enum class PeerNames : std::uint8_t {
    none,       // not at all
    by_kernel,  // the kernel tells the user of the process at the other end of a Unix socket
};

/// The front for MQTT directly on the socket. `index` is the listener's index in ShardOptions::listeners.
std::unique_ptr<Front> make_plain_front(std::uint16_t index, Driver& driver, const Log& log,
                                        PeerNames names = PeerNames::none);

}  // namespace ledge::transport
