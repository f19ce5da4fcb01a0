// CommitQueue: the committer thread. Takes one batch at a time, commits it, and reports on its own thread; the owner
// brings the report to where the shard lives. Commits group themselves: what gathers during one is the next.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "ledge/storage/store.hpp"

namespace ledge::storage {

class CommitQueue {
public:
    using Outcome = Result<CommitReport, StoreError>;

    /// `on_done` is called on the committer's thread, once for each batch. `store` outlives the queue.
    CommitQueue(Store& store, std::function<void(Outcome)> on_done);
    /// Waits for the batch under way.
    ~CommitQueue();
    CommitQueue(const CommitQueue&) = delete;
    CommitQueue& operator=(const CommitQueue&) = delete;

    /// Requires that no batch is under way: submit again only after on_done.
    void submit(session::Batch batch);

private:
    void run();

    Store& store_;
    std::function<void(Outcome)> on_done_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::optional<session::Batch> waiting_;
    bool is_stopping_ = false;
    std::thread thread_;  // last: starts when the rest is there
};

}  // namespace ledge::storage
