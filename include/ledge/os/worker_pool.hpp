// WorkerPool: threads for work that would block a loop: public key arithmetic, password hashes, the system's name
// look-up, commits to the disk. A job runs on a worker thread and then reports its result on the loop's thread, through
// a Mailbox. The loop's thread owns the pool.
#pragma once

#include <memory>
#include <system_error>
#include <thread>
#include <vector>

#include "ledge/base/result.hpp"
#include "ledge/os/mailbox.hpp"

namespace ledge::os {

/// The number of worker threads for this machine: 1 or 2. One processor is left to the loop. More than two workers
/// would starve the other programs of a gateway.
unsigned worker_threads_for_this_machine();

struct WorkerPoolOptions {
    const char* name = "worker";  // the threads' name in ps -L and top; at most 15 bytes
    unsigned threads = 1;
    int niceness = 0;  // 1 to 19 lowers the threads' priority (nice(2)); 0 = the threads keep the process's niceness
    bool runs_waiting_at_end = false;  // true: the destructor runs the waiting jobs; false: it drops them
};

class WorkerPool {
public:
    class Job {
    public:
        Job() = default;
        Job(const Job&) = delete;
        Job& operator=(const Job&) = delete;
        virtual ~Job() = default;
        /// Does the work, on a worker's thread.
        virtual void run() = 0;
        /// Reports the result, on the loop's thread, after run(). The job is destroyed afterwards. A job that waits or
        /// runs when the pool ends is destroyed without this call. This function may destroy the pool.
        virtual void done() = 0;
    };

    /// Starts the threads. The error says why the system refuses; the caller knows what the threads are for.
    static Result<std::unique_ptr<WorkerPool>, std::error_code> create(Post post, const WorkerPoolOptions& options);
    /// On the loop's thread. Waits for the jobs that are running, unless leave_running() was called. Calls no done().
    ~WorkerPool();
    WorkerPool(const WorkerPool&) = delete;
    WorkerPool& operator=(const WorkerPool&) = delete;

    /// Jobs begin in the order in which they are submitted. The caller limits how many are under way.
    void submit(std::unique_ptr<Job> job);

    /// Detaches the threads, for jobs that may never end, such as a write to a disk that does not answer. A running job
    /// goes on with its own data until it ends. Waiting jobs are dropped, and no done() is called. submit() must not be
    /// called afterwards.
    void leave_running();

private:
    struct Shared;
    explicit WorkerPool(Post post);
    static void work(const std::shared_ptr<Shared>& shared, const WorkerPoolOptions& options);
    void end(bool runs_waiting);

    std::unique_ptr<Mailbox<std::unique_ptr<Job>>> finished_;  // nullptr after leave_running()
    std::shared_ptr<Shared> shared_;                           // shared with the threads
    bool runs_waiting_at_end_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace ledge::os
