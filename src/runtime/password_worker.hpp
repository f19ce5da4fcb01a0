// PasswordWorker: a thread of its own for password hashes, which take up to seconds each. Takes checks from the shard
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

class PasswordWorker {
public:
    /// Outcomes wake `io`. The thread starts with the first check.
    explicit PasswordWorker(boost::asio::io_context& io) : io_(io) {}
    /// Waits for the check under way.
    ~PasswordWorker();
    PasswordWorker(const PasswordWorker&) = delete;
    PasswordWorker& operator=(const PasswordWorker&) = delete;

    /// Once a turn: the outcome of the last check, and the next one.
    void serve(broker::Shard& shard, Instant now);
    /// serve() has something to do.
    bool has_outcome() const { return outcome_.has_value(); }

private:
    struct Outcome {
        std::uint64_t number = 0;
        bool is_right = false;
    };

    void submit(session::PasswordCheck check);
    void work();

    boost::asio::io_context& io_;
    std::optional<Outcome> outcome_;  // not yet taken
    bool is_busy_ = false;

    std::mutex mutex_;
    std::condition_variable changed_;
    std::optional<session::PasswordCheck> next_;  // guarded by mutex_
    bool is_ending_ = false;                      // guarded by mutex_
    std::thread thread_;
};

}  // namespace ledge::runtime
