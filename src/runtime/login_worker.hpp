// LoginWorker: computes the password hashes of logins, which take up to seconds each, on a thread of its own. It takes
// the checks from the shard one at a time, and hands the outcomes back to the shard. On the loop's thread.
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
    /// Outcomes wake `io`. The thread starts with the first check.
    explicit LoginWorker(boost::asio::io_context& io) : io_(io) {}
    /// Waits for the check under way.
    ~LoginWorker() = default;
    LoginWorker(const LoginWorker&) = delete;
    LoginWorker& operator=(const LoginWorker&) = delete;

    /// Once a turn: hands over the outcome of the last check, and begins the next one.
    void serve(broker::Shard& shard, Instant now);

private:
    class Check;
    struct Finished {
        std::uint64_t number = 0;
        auth::LoginOutcome outcome;
    };

    void submit(session::LoginTask task);

    boost::asio::io_context& io_;
    std::optional<Finished> finished_;  // the shard does not know it yet
    bool is_busy_ = false;
    std::unique_ptr<os::WorkerPool> worker_;  // nullptr: there was no check yet. Last: its thread ends first
};

}  // namespace ledge::runtime
