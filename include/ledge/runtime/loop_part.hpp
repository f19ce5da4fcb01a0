// LoopPart: a part of the program that is a client of the broker and takes part in the turns of a BrokerLoop, such as
// the bridges. The loop knows nothing else of it. On the loop's thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "ledge/base/error.hpp"
#include "ledge/base/time.hpp"

namespace boost::asio {
class io_context;
}

namespace ledge::broker {
class Shard;
}

namespace ledge::os {
class GivenSockets;
struct GivenSocket;
class WorkerPool;
}  // namespace ledge::os

namespace ledge::transport {
class Driver;
}

namespace ledge::runtime {

class LoopPart {
public:
    LoopPart() = default;
    virtual ~LoopPart() = default;
    LoopPart(const LoopPart&) = delete;
    LoopPart& operator=(const LoopPart&) = delete;

    /// Called once, before the first turn.
    virtual void start(Instant now) = 0;
    /// Asked after start(). An error means that the part can never work as it is configured: the broker does not start.
    virtual std::optional<Error> start_problem() const { return std::nullopt; }
    /// Called in every turn, after the sockets were served and before the outboxes are written.
    virtual void turn(Instant now) = 0;
    /// True: turn() has something to do, so the loop does not sleep.
    virtual bool wants_turn() const = 0;
    /// Called when next_deadline() has passed. Afterwards next_deadline() is later than `now`.
    virtual void on_time(Instant now) = 0;
    /// `never` = the part waits for no time.
    virtual Instant next_deadline() const = 0;
    /// The broker stops: the part ends its connections in order. Further turns follow until is_stopped(), or until the
    /// loop has waited long enough.
    virtual void stop(Instant now) = 0;
    virtual bool is_stopped() const = 0;
    /// Appends duplicates of the part's sockets that peers send to, for a process that takes over.
    virtual void add_duplicates(std::vector<os::GivenSocket>& /*to*/) const {}
};

/// What a part may use. All of it outlives the part.
struct LoopServices {
    boost::asio::io_context& io;
    broker::Shard& shard;
    transport::Driver& driver;
    os::WorkerPool* tls_workers = nullptr;  // nullptr unless BrokerLoopOptions::needs_tls_workers
    os::GivenSockets* given = nullptr;      // sockets to use instead of new ones, in start() only
};

using MakeLoopPart = std::function<std::unique_ptr<LoopPart>(const LoopServices&)>;

}  // namespace ledge::runtime
