// CommitQueue: one worker thread whose jobs are commits.
#include "ledge/storage/commit_queue.hpp"

#include <utility>

#include "ledge/base/assert.hpp"
#include "ledge/journal/record.hpp"

namespace ledge::storage {

/// One try to commit the queue's batch. run() is called on the commit thread, done() on the loop's thread.
class CommitQueue::Commit final : public os::WorkerPool::Job {
public:
    explicit Commit(CommitQueue& queue) : queue_(queue) {}
    void run() override { outcome_.emplace(queue_.store_.commit(queue_.batch_)); }
    void done() override {
        LEDGE_ASSERT(outcome_.has_value());
        queue_.finish(std::move(*outcome_));
    }

private:
    CommitQueue& queue_;
    // Written by run() on the commit thread; the pool hands the job over before done() reads it.
    std::optional<Outcome> outcome_;
};

CommitQueue::CommitQueue(Store& store, std::function<void(Outcome)> on_done)
    : store_(store), on_done_(std::move(on_done)) {}

Result<std::unique_ptr<CommitQueue>, std::error_code> CommitQueue::create(Store& store, os::Post post,
                                                                          std::function<void(Outcome)> on_done) {
    std::unique_ptr<CommitQueue> queue(new CommitQueue(store, std::move(on_done)));
    auto worker = os::WorkerPool::create(std::move(post), {.name = "commit", .runs_waiting_at_end = true});
    if (!worker) return Failure{worker.error()};
    queue->worker_ = std::move(*worker);
    return queue;
}

CommitQueue::~CommitQueue() = default;

void CommitQueue::submit(journal::Batch batch) {
    LEDGE_ASSERT(!is_under_way_);
    // The commit thread reads batch_ without a lock: nothing changes it until finish().
    batch_ = std::move(batch);
    start();
}

void CommitQueue::submit_again() {
    LEDGE_ASSERT(!is_under_way_);
    start();
}

void CommitQueue::start() {
    LEDGE_ASSERT(worker_ != nullptr);
    is_under_way_ = true;
    worker_->submit(std::make_unique<Commit>(*this));
}

void CommitQueue::finish(Outcome outcome) {
    LEDGE_ASSERT(is_under_way_);
    is_under_way_ = false;
    // A batch that found no room is kept for submit_again(); every other outcome is final.
    const bool is_kept = !outcome && may_retry(outcome.error());
    if (!is_kept) batch_ = {};
    on_done_(std::move(outcome));
}

void CommitQueue::abandon() { worker_->leave_running(); }

}  // namespace ledge::storage
