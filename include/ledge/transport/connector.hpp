// Connector: opens connections to others: resolves the name beside the loop, tries its addresses in turn, agrees on TLS
// with its arithmetic on workers. On the loop's thread; nothing waits.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "ledge/base/time.hpp"
#include "ledge/transport/client_stream.hpp"
#include "ledge/transport/tls_client.hpp"
#include "ledge/transport/worker_pool.hpp"

namespace boost::asio {
class io_context;
}

namespace ledge::transport {

class Resolver;

/// Where to.
struct Destination {
    std::string host;  // a name, or an IPv4 or IPv6 address without brackets. "localhost" is this machine, unasked
    std::uint16_t port = 0;
    std::shared_ptr<const TlsContext> tls;  // of make_tls_client(); nullptr: none. The certificate has to be for `host`

    friend bool operator==(const Destination&, const Destination&) = default;
};

class Connector {
public:
    struct Outcome {
        std::unique_ptr<ClientStream> stream;  // nullptr: there is none
        std::string error;                     // why there is none
    };
    using Done = std::function<void(Outcome)>;
    using Ticket = std::uint64_t;

    explicit Connector(boost::asio::io_context& io);
    /// What is under way is given up; nobody is called.
    ~Connector();
    Connector(const Connector&) = delete;
    Connector& operator=(const Connector&) = delete;

    /// Before the first connection with TLS. They outlive what is under way here, or are gone before it.
    void use_workers(WorkerPool& workers) { workers_ = &workers; }

    /// `timeout` is for all of it; each of several addresses has its share until it is connected. `done` is called
    /// once, from a handler of the loop, never from here. It may end the connector.
    Ticket connect(const Destination& to, Duration timeout, Done done);
    /// `done` is not called any more. Nothing happens to a ticket whose `done` has been called.
    void give_up(Ticket ticket);
    std::size_t under_way() const { return attempts_.size(); }

private:
    class Attempt;
    class Handshake;

    boost::asio::io_context& io_;
    WorkerPool* workers_ = nullptr;
    std::unique_ptr<Resolver> resolver_;
    std::unordered_map<Ticket, std::shared_ptr<Attempt>> attempts_;
    Ticket last_ticket_ = 0;
};

}  // namespace ledge::transport
