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

/// Blocks every signal while it lives. A thread inherits the mask of the thread that creates it, so a worker that is
/// created now never runs a signal handler: signals belong to the loop.
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

unsigned worker_threads_for_this_machine() { return std::clamp(std::thread::hardware_concurrency(), 2U, 3U) - 1; }

struct WorkerPool::Shared {
    explicit Shared(Mailbox<std::unique_ptr<Job>>::Sender sender) : finished(std::move(sender)) {}

    /// Waits for a job. nullptr: the pool has ended and no job waits.
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

Result<std::unique_ptr<WorkerPool>, int> WorkerPool::create(Post post, const WorkerPoolOptions& options) {
    LEDGE_ASSERT(options.threads > 0);
    std::unique_ptr<WorkerPool> pool(new WorkerPool(std::move(post)));
    pool->runs_waiting_at_end_ = options.runs_waiting_at_end;
    const SignalsBlocked blocked;
    try {
        for (unsigned i = 0; i < options.threads; ++i)
            pool->threads_.emplace_back([shared = pool->shared_, options] { work(shared, options); });
    } catch (const std::system_error& error) {  // no memory for a thread, or a limit of the system
        return Failure{error.code().value()};
    }
    return pool;
}

WorkerPool::~WorkerPool() {
    end(runs_waiting_at_end_);
    for (std::thread& thread : threads_) thread.join();
}

void WorkerPool::end(bool runs_waiting) {
    std::deque<std::unique_ptr<Job>> dropped;  // destroyed after the lock is released
    {
        const std::lock_guard lock(shared_->mutex);
        shared_->is_ending = true;
        if (!runs_waiting) dropped.swap(shared_->waiting);
    }
    shared_->changed.notify_all();
}

void WorkerPool::submit(std::unique_ptr<Job> job) {
    LEDGE_ASSERT(finished_ != nullptr);
    {
        const std::lock_guard lock(shared_->mutex);
        shared_->waiting.push_back(std::move(job));
    }
    shared_->changed.notify_one();
}

void WorkerPool::leave_running() {
    finished_.reset();
    end(false);
    for (std::thread& thread : threads_) thread.detach();
    threads_.clear();
}

void WorkerPool::work(const std::shared_ptr<Shared>& shared, const WorkerPoolOptions& options) {
    ::pthread_setname_np(::pthread_self(), options.name);
    // On Linux each thread has a niceness of its own. A refusal costs urgency only.
    if (options.niceness > 0) [[maybe_unused]]
        const int refused = ::setpriority(PRIO_PROCESS, 0, options.niceness);
    while (std::unique_ptr<Job> job = shared->next()) {
        job->run();
        shared->finished.send(std::move(job));
    }
}

}  // namespace ledge::os
