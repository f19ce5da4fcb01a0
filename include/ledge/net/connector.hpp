// Connector: opens connections to other hosts. It resolves the name beside the loop, tries the addresses in turn, and
// lets workers compute the TLS handshake. On the loop's thread; no call waits.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "ledge/base/time.hpp"
#include "ledge/net/client_stream.hpp"
#include "ledge/net/tls_client.hpp"
#include "ledge/os/worker_pool.hpp"

namespace boost::asio {
class io_context;
}

namespace ledge::net {

class Resolver;

/// The other end of a connection.
struct Destination {
    std::string host;  // a name, or an IPv4 or IPv6 address without brackets; "localhost" is this machine
    std::uint16_t port = 0;
    std::shared_ptr<const TlsContext> tls;  // of make_tls_client(); nullptr: no TLS. The certificate must be for `host`

    friend bool operator==(const Destination&, const Destination&) = default;
};

class Connector {
public:
    struct Outcome {
        std::unique_ptr<ClientStream> stream;  // nullptr: the connection could not be made
        std::string error;                     // why it could not be made
    };
    using Done = std::function<void(Outcome)>;
    using Ticket = std::uint64_t;

    explicit Connector(boost::asio::io_context& io);
    /// Gives up the connections that are under way; no `done` is called.
    ~Connector();
    Connector(const Connector&) = delete;
    Connector& operator=(const Connector&) = delete;

    /// Call this before the first connection with TLS. `workers` outlives the connections that are under way here.
    void use_workers(os::WorkerPool& workers) { workers_ = &workers; }

    /// `timeout` limits name, connection and TLS together. When the name has several addresses, each may use an equal
    /// share of it to connect. `done` is called once, from a handler of the loop, never from here. It may destroy the
    /// connector.
    Ticket connect(const Destination& to, Duration timeout, Done done);
    /// `done` is not called any more. Does nothing when `done` has been called already.
    void give_up(Ticket ticket);
    std::size_t under_way() const { return attempts_.size(); }

private:
    class Attempt;
    class Handshake;

    boost::asio::io_context& io_;
    os::WorkerPool* workers_ = nullptr;
    std::unique_ptr<Resolver> resolver_;
    std::unordered_map<Ticket, std::shared_ptr<Attempt>> attempts_;
    Ticket last_ticket_ = 0;
};

}  // namespace ledge::net
