// WorkerPool: threads for work that would hold up a loop: public key arithmetic, password hashes, the system's name
// look-up, commits to the disk. A job runs on a worker, and then reports on the loop's thread through a Mailbox.
#pragma once

#include <memory>
#include <thread>
#include <vector>

#include "ledge/base/result.hpp"
#include "ledge/os/mailbox.hpp"

namespace ledge::os {

/// One processor is left to the loop; more than two workers would starve what else runs on a gateway.
unsigned worker_threads_for_this_machine();

struct WorkerPoolOptions {
    const char* name = "worker";  // of the threads, as ps -L and top show it; at most 15 bytes
    unsigned threads = 1;
    int niceness = 0;  // from 0 to 19, instead of the process's: the higher, the later a thread gets a processor
    bool runs_waiting_at_end = false;  // the destructor runs the jobs that wait; otherwise it drops them
};

class WorkerPool {
public:
    class Job {
    public:
        Job() = default;
        Job(const Job&) = delete;
        Job& operator=(const Job&) = delete;
        virtual ~Job() = default;
        /// On a worker's thread.
        virtual void run() = 0;
        /// On the loop's thread, after run(). The job is destroyed then. A job that the pool's end finds, waiting or
        /// running, is destroyed without this call. May destroy the pool.
        virtual void done() = 0;
    };

    /// Starts the threads. The error is an errno.
    static Result<std::unique_ptr<WorkerPool>, int> create(Post post, const WorkerPoolOptions& options);
    /// On the loop's thread. Waits for the jobs that are running, unless leave_running() was called. Calls no done().
    ~WorkerPool();
    WorkerPool(const WorkerPool&) = delete;
    WorkerPool& operator=(const WorkerPool&) = delete;

    /// Jobs begin in the order in which they are submitted. The caller limits how many are under way.
    void submit(std::unique_ptr<Job> job);

    /// For jobs that may never end, such as a write to a disk that does not answer. The threads are left to themselves
    /// from now on: a job that is running uses its own data until it ends, jobs that wait are dropped, no done() is
    /// called any more. submit() must not be called afterwards.
    void leave_running();

private:
    struct Shared;
    explicit WorkerPool(Post post);
    static void work(const std::shared_ptr<Shared>& shared, const WorkerPoolOptions& options);
    void end(bool runs_waiting);

    std::unique_ptr<Mailbox<std::unique_ptr<Job>>> finished_;  // nullptr after leave_running()
    std::shared_ptr<Shared> shared_;                           // with the threads
    bool runs_waiting_at_end_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace ledge::os
