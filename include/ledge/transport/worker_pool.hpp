// WorkerPool: a thread or two for what would hold up the loop: public key arithmetic, files to be checked. Jobs go out
// and come back on the loop's thread; the pool wakes the poller. One per loop.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "ledge/base/result.hpp"
#include "ledge/transport/poller.hpp"

namespace ledge::transport {

class WorkerPool final : public Pollable {
public:
    class Job {
    public:
        virtual ~Job() = default;
        /// On a worker's thread.
        virtual void run() = 0;
        /// On the loop's thread, afterwards; the job is destroyed then. Not called for jobs that the pool's end finds.
        virtual void done() = 0;
    };

    /// The error is an errno.
    static Result<std::unique_ptr<WorkerPool>, int> create(Poller& poller,
                                                           unsigned threads = threads_for_this_machine());
    /// Waits for the jobs that are running; those that wait are dropped.
    ~WorkerPool();
    WorkerPool(const WorkerPool&) = delete;
    WorkerPool& operator=(const WorkerPool&) = delete;

    /// In the order they are given. The caller limits how many.
    void submit(std::unique_ptr<Job> job);

    /// One processor is left to the loop; more than two workers would starve what else runs on a gateway.
    static unsigned threads_for_this_machine();

private:
    WorkerPool(Poller& poller, int wake);

    void on_ready(std::uint32_t events) override;
    void work();
    std::unique_ptr<Job> next();

    Poller& poller_;
    int wake_;  // an eventfd: readable when jobs are done
    std::mutex mutex_;
    std::condition_variable has_work_;
    std::deque<std::unique_ptr<Job>> waiting_;
    std::vector<std::unique_ptr<Job>> finished_;
    bool is_ending_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace ledge::transport
