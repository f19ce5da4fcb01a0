// Listener: accepts peers on the addresses of one endpoint and hands their sockets to a front. On the shard's thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ledge/base/log.hpp"
#include "ledge/base/result.hpp"
#include "ledge/base/time.hpp"
#include "ledge/base/token_bucket.hpp"
#include "ledge/transport/driver.hpp"
#include "ledge/transport/endpoint.hpp"
#include "ledge/transport/front.hpp"

namespace ledge::transport {

/// How many connections a listener takes, on all its addresses together. Further ones wait in the kernel.
struct AcceptRate {
    std::uint32_t per_second = 0;  // 0: any
    std::uint32_t burst = 0;       // at once; 0: as many as in a second
};

class Listener {
public:
    static constexpr int accepts_per_turn_max = 64;      // per address
    static constexpr int backlog = 4096;                 // connections waiting in the kernel; it clips to its own limit
    static constexpr Duration pause = 200ms;             // without accepting, when descriptors or memory have run out
    static constexpr Duration complaint_interval = 10s;  // between two log lines about that

    /// Binds and listens. TCP: SO_REUSEADDR, IPv6 apart from IPv4, TCP_NODELAY, SO_KEEPALIVE and times for peers that
    /// are gone. Unix: mode 0660; a socket file nobody listens on is replaced, anything else in its place is an error.
    /// `front` outlives the listener.
    static Result<std::unique_ptr<Listener>, ListenProblem> create(const Endpoint& endpoint, Front& front,
                                                                   Driver& driver, const Log& log,
                                                                   const AcceptRate& rate = {});
    /// Stops listening and removes the socket file.
    ~Listener();
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    /// One per address, ports chosen by the system filled in.
    std::vector<std::string> addresses() const;

    /// Starts accepting. The error is an errno.
    int start();

    /// Accepts again after a pause.
    void on_time(Instant now);
    /// When on_time must be called; `never` when nothing is paused.
    Instant next_deadline() const;

private:
    class Acceptor;
    explicit Listener(std::unique_ptr<TokenBucket> rate);
    std::unique_ptr<TokenBucket> rate_;  // of all doors
    std::vector<std::unique_ptr<Acceptor>> acceptors_;
};

}  // namespace ledge::transport
