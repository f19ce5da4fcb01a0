// LoginWorker: computes the password hashes of logins on a thread of its own; one hash may take seconds. It gets the
// checks from the shard one at a time, and passes the outcomes back to the shard. A BrokerLoop owns the LoginWorker and
// calls it on the loop's thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <optional>

#include "ledge/base/time.hpp"
#include "ledge/os/worker_pool.hpp"
#include "ledge/session/login_queue.hpp"

namespace ledge::broker {
class Shard;
}

namespace ledge::runtime {

class LoginWorker {
public:
    /// The worker wakes `io` when a check is finished. The thread starts with the first check.
    explicit LoginWorker(boost::asio::io_context& io) : io_(io) {}
    /// Waits for the check under way.
    ~LoginWorker() = default;
    LoginWorker(const LoginWorker&) = delete;
    LoginWorker& operator=(const LoginWorker&) = delete;

    /// Called once per turn. Passes the outcome of the last check to the shard, and begins the next check.
    void serve(broker::Shard& shard, Instant now);

private:
    class Check;
    struct Finished {
        std::uint64_t number = 0;
        auth::LoginOutcome outcome;
    };

    void submit(session::LoginTask task);

    boost::asio::io_context& io_;
    std::optional<Finished> finished_;  // an outcome that the shard does not know yet
    bool is_busy_ = false;              // a check is under way, or its outcome is in finished_
    // nullptr before the first check. The last member, so that its thread ends before the other members do.
    std::unique_ptr<os::WorkerPool> worker_;
};

}  // namespace ledge::runtime
