// LoginWorker: a thread of its own for the checks of logins, which take up to seconds each. Takes them from the shard
// one at a time and brings the outcomes back to the loop. On the loop's thread, but for the arithmetic.
#pragma once

#include <boost/asio/io_context.hpp>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "ledge/base/time.hpp"
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
    ~LoginWorker();
    LoginWorker(const LoginWorker&) = delete;
    LoginWorker& operator=(const LoginWorker&) = delete;

    /// Once a turn: the outcome of the last check, and the next one.
    void serve(broker::Shard& shard, Instant now);
    /// serve() has something to do.
    bool has_outcome() const { return finished_.has_value(); }

private:
    struct Finished {
        std::uint64_t number = 0;
        auth::LoginOutcome outcome;
    };

    void submit(session::LoginTask task);
    void work();

    boost::asio::io_context& io_;
    std::optional<Finished> finished_;  // not yet taken
    bool is_busy_ = false;

    std::mutex mutex_;
    std::condition_variable changed_;
    std::optional<session::LoginTask> next_;  // guarded by mutex_
    bool is_ending_ = false;                  // guarded by mutex_
    std::thread thread_;
};

}  // namespace ledge::runtime
