#include "ledge/storage/commit_queue.hpp"

#include <pthread.h>
#include <signal.h>

#include <utility>

#include "ledge/base/assert.hpp"

namespace ledge::storage {
namespace {

/// A thread that no signal interrupts: they belong to the loop.
std::thread quiet_thread(std::function<void()> body) {
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    std::thread thread(std::move(body));
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    ::pthread_setname_np(thread.native_handle(), "commit");
    return thread;
}

}  // namespace

CommitQueue::CommitQueue(Store& store, std::function<void(Outcome)> on_done)
    : store_(store), on_done_(std::move(on_done)), thread_(quiet_thread([this] { run(); })) {}

CommitQueue::~CommitQueue() {
    {
        const std::lock_guard lock(mutex_);
        is_stopping_ = true;
    }
    changed_.notify_one();
    thread_.join();
}

void CommitQueue::submit(session::Batch batch) {
    {
        const std::lock_guard lock(mutex_);
        LEDGE_ASSERT(!waiting_);
        waiting_ = std::move(batch);
    }
    changed_.notify_one();
}

void CommitQueue::run() {
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait(lock, [this] { return waiting_ || is_stopping_; });
        if (!waiting_) return;
        const session::Batch batch = std::move(*waiting_);
        waiting_.reset();
        lock.unlock();
        on_done_(store_.commit(batch));
        lock.lock();
    }
}

}  // namespace ledge::storage
