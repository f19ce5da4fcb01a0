// Listener: accepts peers on the addresses of one endpoint and passes their sockets to a front. The BrokerLoop owns the
// listener. On the shard's thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ledge/base/log.hpp"
#include "ledge/base/result.hpp"
#include "ledge/base/time.hpp"
#include "ledge/base/token_bucket.hpp"
#include "ledge/os/address.hpp"
#include "ledge/transport/driver.hpp"
#include "ledge/transport/endpoint.hpp"
#include "ledge/transport/front.hpp"
#include "ledge/transport/offered_sockets.hpp"

namespace ledge::os {
struct GivenSocket;
}

namespace ledge::transport {

class ListeningSocket;

/// The rate limit for new connections of a listener, for all its addresses together. Further connections wait in the
/// kernel.
struct AcceptRate {
    std::uint32_t per_second = 0;  // connections per second; 0 = unlimited
    std::uint32_t burst = 0;       // connections that may come at once; 0 = the number of one second
};

class Listener {
public:
    static constexpr int accepts_per_turn_max = 64;      // connections accepted per address and turn
    static constexpr int backlog = 4096;                 // connections that may wait in the kernel
    static constexpr Duration pause = 200ms;             // the pause after descriptors or memory have run out
    static constexpr Duration complaint_interval = 10s;  // between two log lines about such pauses

    /// Binds and listens. TCP sockets get SO_REUSEADDR, TCP_NODELAY, SO_KEEPALIVE and the timeouts for peers that
    /// vanish without a FIN; IPv6 sockets do not accept IPv4. The file of a Unix socket gets mode 0660. An existing
    /// socket file is replaced if no process listens on it; any other file in its place is an error. `front` must
    /// outlive the listener. Blocks while the system looks up the host, if the endpoint needs_look_up(). A socket of
    /// `offered` that fits is used as it is, without binding.
    static Result<std::unique_ptr<Listener>, Error> create(const Endpoint& endpoint, Front& front, Driver& driver,
                                                           const Log& log, const AcceptRate& rate = {},
                                                           const OfferedSockets& offered = {});
    /// As above, without the look-up: `addresses` are those of the endpoint's host, with any port.
    static Result<std::unique_ptr<Listener>, Error> create(const Endpoint& endpoint,
                                                           std::vector<os::SocketAddress> addresses, Front& front,
                                                           Driver& driver, const Log& log, const AcceptRate& rate = {});
    /// Stops listening and removes the socket file, unless keep_files() was called.
    ~Listener();
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    /// The addresses of the listener, with the ports that the system has chosen.
    std::vector<std::string> addresses() const;

    /// Appends duplicates of the listener's sockets, for another process.
    void add_duplicates(std::string_view name, std::vector<os::GivenSocket>& to) const;
    /// From now on the files of Unix sockets belong to a process that has duplicates.
    void keep_files();

    /// Starts accepting. The result is empty when that succeeds.
    std::error_code start();

    /// Accepts again on the addresses whose pause is over.
    void on_time(Instant now);
    /// The next instant at which on_time() must be called; `never` when no address pauses.
    Instant next_deadline() const;

private:
    class Acceptor;
    static std::unique_ptr<Listener> make(std::vector<ListeningSocket> sockets, Front& front, Driver& driver,
                                          const Log& log, const AcceptRate& rate);
    explicit Listener(std::unique_ptr<TokenBucket> rate);
    std::unique_ptr<TokenBucket> rate_;  // shared by all acceptors
    std::vector<std::unique_ptr<Acceptor>> acceptors_;
};

}  // namespace ledge::transport
