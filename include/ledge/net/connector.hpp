// Connector: opens connections to other hosts. A thread of the Resolver looks up the name, the Connector tries the
// addresses one after the other, and worker threads compute the TLS handshake. Call it on the loop's thread. No call
// blocks.
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

/// The other end of a connection. With TLS, the server's certificate must be valid for its name.
struct Destination {
    std::string host;  // a name, or an IPv4 or IPv6 address without brackets; "localhost" is this machine
    std::uint16_t port = 0;
    std::shared_ptr<const TlsContext> tls;  // from make_tls_client(); nullptr = no TLS
    std::string server_name{};              // that the certificate must have, and that is sent as SNI; "" = `host`
    /// The file of a Unix socket, which has at most os::SocketAddress::unix_path_bytes_max bytes; "" = TCP.
    std::string unix_path{};

    friend bool operator==(const Destination&, const Destination&) = default;
};

class Connector {
public:
    /// The steps of a connection, in their order.
    enum class Step : std::uint8_t {
        name,        // the name is looked up
        connection,  // the addresses are tried
        tls,         // the TLS handshake is under way
    };
    struct Outcome {
        std::unique_ptr<ClientStream> stream;  // nullptr = the connection could not be opened
        std::string error;                     // the reason why the connection could not be opened

        // For diagnostics
        Step step = Step::name;      // the last step that was begun; without a stream, the step that has failed
        std::string addresses = {};  // of the name, with the port: "192.0.2.7:8883, [2001:db8::1]:8883"
        std::string address = {};    // the last address that was tried; "" = none was tried
    };
    using Done = std::function<void(Outcome)>;
    using Ticket = std::uint64_t;

    explicit Connector(boost::asio::io_context& io);
    /// Cancels the connections that are under way; no `done` is called.
    ~Connector();
    Connector(const Connector&) = delete;
    Connector& operator=(const Connector&) = delete;

    /// Call this before the first connection with TLS. `workers` must outlive the connections that are under way here.
    void use_workers(os::WorkerPool& workers) { workers_ = &workers; }

    /// Begins a connection. `timeout` limits the name look-up, the connection and the TLS handshake together. If the
    /// name has several addresses, each address may use an equal share of `timeout` to connect. `done` is called once,
    /// from a handler of the loop and never from connect() itself. `done` may destroy the connector.
    Ticket connect(const Destination& to, Duration timeout, Done done);
    /// Cancels a connection that is under way, so that its `done` is not called. Has no effect after `done` was called.
    void give_up(Ticket ticket);
    std::size_t under_way() const { return attempts_.size(); }
    /// The loop of the constructor.
    boost::asio::io_context& io() const { return io_; }

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
