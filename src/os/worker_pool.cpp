#include "ledge/os/worker_pool.hpp"

#include <pthread.h>
#include <sys/resource.h>

#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <mutex>
#include <system_error>
#include <utility>

#include "ledge/base/assert.hpp"

namespace ledge::os {
namespace {

/// Blocks every signal in the calling thread during its own lifetime. A new thread inherits the mask of the thread that
/// creates it. A worker that is created meanwhile therefore never runs a signal handler; only the loop's thread does.
class SignalsBlocked {
public:
    SignalsBlocked() {
        sigset_t all;
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    SignalsBlocked(const SignalsBlocked&) = delete;
    SignalsBlocked& operator=(const SignalsBlocked&) = delete;

private:
    sigset_t before_{};
};

}  // namespace

// hardware_concurrency() is 0 when the system does not know the number of processors; the result is then 1.
unsigned worker_threads_for_this_machine() { return std::clamp(std::thread::hardware_concurrency(), 2U, 3U) - 1; }

struct WorkerPool::Shared {
    explicit Shared(Mailbox<std::unique_ptr<Job>>::Sender sender) : finished(std::move(sender)) {}

    /// Waits for a job and removes it from the queue. Returns nullptr when the pool has ended and no job waits.
    std::unique_ptr<Job> next() {
        std::unique_lock lock(mutex);
        changed.wait(lock, [this] { return is_ending || !waiting.empty(); });
        if (waiting.empty()) return nullptr;
        std::unique_ptr<Job> job = std::move(waiting.front());
        waiting.pop_front();
        return job;
    }

    const Mailbox<std::unique_ptr<Job>>::Sender finished;
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<std::unique_ptr<Job>> waiting;
    bool is_ending = false;
};

WorkerPool::WorkerPool(Post post)
    : finished_(std::make_unique<Mailbox<std::unique_ptr<Job>>>(std::move(post),
                                                                [](std::unique_ptr<Job> job) { job->done(); })),
      shared_(std::make_shared<Shared>(finished_->sender())) {}

Result<std::unique_ptr<WorkerPool>, std::error_code> WorkerPool::create(Post post, const WorkerPoolOptions& options) {
    LEDGE_ASSERT(options.threads > 0);
    LEDGE_ASSERT(options.niceness >= 0 && options.niceness <= 19);
    std::unique_ptr<WorkerPool> pool(new WorkerPool(std::move(post)));
    pool->runs_waiting_at_end_ = options.runs_waiting_at_end;
    const SignalsBlocked blocked;
    try {
        for (unsigned i = 0; i < options.threads; ++i)
            pool->threads_.emplace_back([shared = pool->shared_, options] { work(shared, options); });
    } catch (const std::system_error& error) {
        // The system has no memory for a thread, or a limit is reached. The pool's destructor ends the threads so far.
        return Failure{error.code()};
    }
    return pool;
}

WorkerPool::~WorkerPool() {
    end(runs_waiting_at_end_);
    for (std::thread& thread : threads_) thread.join();
}

void WorkerPool::end(bool runs_waiting) {
    // Declared before the lock, so destroyed after the lock is released: a job's destructor may take time.
    std::deque<std::unique_ptr<Job>> dropped;
    {
        const std::lock_guard lock(shared_->mutex);
        shared_->is_ending = true;
        if (!runs_waiting) dropped.swap(shared_->waiting);
    }
    shared_->changed.notify_all();
}

void WorkerPool::submit(std::unique_ptr<Job> job) {
    LEDGE_ASSERT(finished_ != nullptr);  // leave_running() has not been called
    LEDGE_ASSERT(job != nullptr);
    {
        const std::lock_guard lock(shared_->mutex);
        shared_->waiting.push_back(std::move(job));
    }
    shared_->changed.notify_one();
}

void WorkerPool::leave_running() {
    finished_.reset();  // from now on a job that ends is dropped, without done()
    end(false);
    for (std::thread& thread : threads_) thread.detach();
    threads_.clear();
}

void WorkerPool::work(const std::shared_ptr<Shared>& shared, const WorkerPoolOptions& options) {
    ::pthread_setname_np(::pthread_self(), options.name);
    // On Linux each thread has its own niceness. A refusal is harmless: the thread then keeps the process's priority.
    if (options.niceness > 0) [[maybe_unused]]
        const int refused = ::setpriority(PRIO_PROCESS, 0, options.niceness);
    while (std::unique_ptr<Job> job = shared->next()) {
        job->run();
        shared->finished.send(std::move(job));
    }
}

}  // namespace ledge::os
