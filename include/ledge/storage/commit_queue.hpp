// CommitQueue: commits batches to the store on a thread of its own, one at a time, and reports each on the loop's
// thread. Commits group themselves: what gathers during one commit is the next batch. A batch that failed stays here,
// so that it can be tried again. On the loop's thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "ledge/os/worker_pool.hpp"
#include "ledge/storage/store.hpp"

namespace ledge::storage {

class CommitQueue {
public:
    using Outcome = Result<CommitReport, StoreError>;

    /// `on_done` is called by `post`, once for each try of a batch. `store` outlives the queue. The error is the errno
    /// of the thread that could not be started.
    static Result<std::unique_ptr<CommitQueue>, int> create(Store& store, os::Post post,
                                                            std::function<void(Outcome)> on_done);
    /// Waits until the batch that was submitted is committed or has failed; `on_done` is not called for it.
    ~CommitQueue();
    CommitQueue(const CommitQueue&) = delete;
    CommitQueue& operator=(const CommitQueue&) = delete;

    /// Requires that no batch is under way: submit again only after on_done.
    void submit(journal::Batch batch);
    /// Submits the batch of the last report, which failed with Fault::full, once more.
    void submit_again();

    /// For the end of a process whose disk does not answer: leaves the thread alone with the data it uses. `on_done` is
    /// not called any more. Neither the queue nor its store may be destroyed afterwards.
    void abandon();

private:
    class Commit;
    CommitQueue(Store& store, std::function<void(Outcome)> on_done);
    void start();
    void finish(Outcome outcome);

    Store& store_;
    std::function<void(Outcome)> on_done_;
    journal::Batch batch_;       // belongs to the thread while is_under_way_
    bool is_under_way_ = false;  // between submit and on_done
    std::unique_ptr<os::WorkerPool> worker_;
};

}  // namespace ledge::storage
