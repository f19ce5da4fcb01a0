// CommitQueue: the committer thread. Takes one batch at a time, commits it, and reports on its own thread; the owner
// brings the report to where the shard lives. Commits group themselves: what gathers during one is the next. A batch
// that failed stays here, so that it can be tried again.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "ledge/storage/store.hpp"

namespace ledge::storage {

class CommitQueue {
public:
    using Outcome = Result<CommitReport, StoreError>;

    /// `on_done` is called on the committer's thread, once for each try of a batch. `store` outlives the queue.
    CommitQueue(Store& store, std::function<void(Outcome)> on_done);
    /// Waits for the batch under way.
    ~CommitQueue();
    CommitQueue(const CommitQueue&) = delete;
    CommitQueue& operator=(const CommitQueue&) = delete;

    /// Requires that no batch is under way: submit again only after on_done.
    void submit(journal::Batch batch);
    /// The batch of the last report, which failed with Fault::full, once more.
    void submit_again();

    /// The end of a process whose disk does not answer: the thread is left alone with what it uses, `on_done` is not
    /// called any more. Neither the queue nor its store may be destroyed afterwards.
    void abandon();

private:
    void run();

    Store& store_;
    std::function<void(Outcome)> on_done_;
    std::mutex mutex_;
    std::condition_variable changed_;
    journal::Batch batch_;  // of the thread while is_due_ or a commit runs
    bool is_due_ = false;
    bool is_stopping_ = false;
    bool is_abandoned_ = false;
    std::thread thread_;  // last: starts when the rest is there
};

}  // namespace ledge::storage
