// Front: turns a socket that a listener has accepted into a link of the driver. A plain front does so at once. Other
// fronts do something first: they read a PROXY header, agree on TLS, or answer an HTTP request, which may become a
// WebSocket. Each listener has one front. On the shard's thread.
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
    /// Closes what has not become a link.
    virtual ~Front() = default;

    /// Gets a connected non-blocking socket. `address`: the peer's.
    virtual void accept(os::Descriptor socket, const os::SocketAddress& address) = 0;

    /// Reads again what stands in files: certificates and keys.
    virtual void reload() {}

    /// Closes what has waited too long. Then next_deadline() is later than now.
    virtual void on_time(Instant now) { static_cast<void>(now); }
    /// When on_time() must be called; `never` when nothing is waited for.
    virtual Instant next_deadline() const { return never; }
    /// Peers whose bytes Asio moves, as links or on their way there: the loop runs several handlers a turn for them.
    virtual std::size_t asio_peers() const { return 0; }
    virtual TlsCounters tls_counters() const { return {}; }
};

/// Who a peer is before it has said anything.
enum class PeerNames : std::uint8_t {
    none,       // nobody knows
    by_kernel,  // the user of the process at the other end of a Unix socket
};

/// MQTT on the socket itself. `index` in ShardOptions::listeners.
std::unique_ptr<Front> make_plain_front(std::uint16_t index, Driver& driver, const Log& log,
                                        PeerNames names = PeerNames::none);

}  // namespace ledge::transport
