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

void CommitQueue::submit(journal::Batch batch) {
    {
        const std::lock_guard lock(mutex_);
        LEDGE_ASSERT(!is_due_);
        batch_ = std::move(batch);
        is_due_ = true;
    }
    changed_.notify_one();
}

void CommitQueue::submit_again() {
    {
        const std::lock_guard lock(mutex_);
        LEDGE_ASSERT(!is_due_);
        is_due_ = true;
    }
    changed_.notify_one();
}

void CommitQueue::abandon() {
    const std::lock_guard lock(mutex_);
    is_abandoned_ = true;
    thread_.detach();
}

void CommitQueue::run() {
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait(lock, [this] { return is_due_ || is_stopping_; });
        if (!is_due_) return;
        lock.unlock();
        Outcome outcome = store_.commit(batch_);
        const bool is_kept = !outcome && outcome.error().fault == Fault::full;
        if (!is_kept) batch_ = {};
        lock.lock();
        if (is_abandoned_) return;
        is_due_ = false;
        on_done_(std::move(outcome));  // under the lock, so that abandon() can promise that it is not called any more
    }
}

}  // namespace ledge::storage
