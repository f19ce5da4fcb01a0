#include "ledge/transport/worker_pool.hpp"

#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <system_error>
#include <utility>

namespace ledge::transport {

namespace {

constexpr int niceness = 5;  // where processors are few, a message is more urgent than a handshake

/// Signals are for the loop; on Linux a thread has a niceness of its own.
void become_background_thread() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);
    [[maybe_unused]] const int refused = ::setpriority(PRIO_PROCESS, 0, niceness);
}

}  // namespace

unsigned WorkerPool::threads_for_this_machine() { return std::clamp(std::thread::hardware_concurrency(), 2U, 3U) - 1; }

Result<std::unique_ptr<WorkerPool>, int> WorkerPool::create(Poller& poller, unsigned threads) {
    const int wake = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (wake < 0) return Failure{errno};
    std::unique_ptr<WorkerPool> pool(new WorkerPool(poller, wake));
    if (!poller.add(wake, *pool, EPOLLIN)) return Failure{errno};
    try {
        for (unsigned i = 0; i < threads; ++i) pool->threads_.emplace_back([raw = pool.get()] { raw->work(); });
    } catch (const std::system_error& error) {
        return Failure{error.code().value()};
    }
    return pool;
}

WorkerPool::WorkerPool(Poller& poller, int wake) : poller_(poller), wake_(wake) {}

WorkerPool::~WorkerPool() {
    {
        const std::lock_guard lock(mutex_);
        is_ending_ = true;
        waiting_.clear();
    }
    has_work_.notify_all();
    for (std::thread& thread : threads_) thread.join();
    ::close(wake_);
}

void WorkerPool::submit(std::unique_ptr<Job> job) {
    {
        const std::lock_guard lock(mutex_);
        waiting_.push_back(std::move(job));
    }
    has_work_.notify_one();
}

std::unique_ptr<WorkerPool::Job> WorkerPool::next() {
    std::unique_lock lock(mutex_);
    has_work_.wait(lock, [this] { return is_ending_ || !waiting_.empty(); });
    if (is_ending_) return nullptr;
    std::unique_ptr<Job> job = std::move(waiting_.front());
    waiting_.pop_front();
    return job;
}

void WorkerPool::work() {
    become_background_thread();
    while (std::unique_ptr<Job> job = next()) {
        job->run();
        bool is_first = false;
        {
            const std::lock_guard lock(mutex_);
            is_first = finished_.empty();
            finished_.push_back(std::move(job));
        }
        const std::uint64_t one = 1;
        // Later ones find the loop woken already. The counter cannot overflow.
        if (is_first) [[maybe_unused]] const ssize_t written = ::write(wake_, &one, sizeof one);
    }
}

void WorkerPool::on_ready(std::uint32_t) {
    std::uint64_t count = 0;
    [[maybe_unused]] const ssize_t size = ::read(wake_, &count, sizeof count);
    std::vector<std::unique_ptr<Job>> finished;
    {
        const std::lock_guard lock(mutex_);
        finished.swap(finished_);
    }
    for (const auto& job : finished) job->done();
}

}  // namespace ledge::transport
