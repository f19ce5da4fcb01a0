// CommitQueue: commits batches to the store on its own thread, one batch at a time, and reports each result on the
// event loop's thread. Group commit needs no timer: the records that arrive during one commit form the next batch. The
// queue keeps a batch that found no room on the disk, so that it can be tried again.
// The runtime's Committer owns the queue and calls it on the loop's thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "ledge/journal/record.hpp"
#include "ledge/os/worker_pool.hpp"
#include "ledge/storage/commit_report.hpp"
#include "ledge/storage/store.hpp"

namespace ledge::storage {

class CommitQueue {
public:
    using Outcome = Result<CommitReport, Error>;

    /// `post` runs functions on the loop's thread; the queue calls `on_done` there, once for each try of a batch.
    /// `store` must outlive the queue. The error says why the thread cannot start.
    static Result<std::unique_ptr<CommitQueue>, std::error_code> create(Store& store, os::Post post,
                                                                        std::function<void(Outcome)> on_done);
    /// Waits until the submitted batch is committed or has failed. `on_done` is not called for this batch.
    ~CommitQueue();
    CommitQueue(const CommitQueue&) = delete;
    CommitQueue& operator=(const CommitQueue&) = delete;

    /// Starts a commit. Requires that no batch is under way: the next call must wait for on_done.
    void submit(journal::Batch batch);
    /// Starts another try of the last batch. Requires that its last report was an error that may_retry().
    void submit_again();

    /// For the end of a process whose disk does not answer: the thread keeps running with its data, and nobody waits
    /// for it. `on_done` is not called any more. Neither the queue nor its store may be destroyed afterwards.
    void abandon();

private:
    class Commit;
    CommitQueue(Store& store, std::function<void(Outcome)> on_done);
    void start();
    void finish(Outcome outcome);

    Store& store_;
    std::function<void(Outcome)> on_done_;
    journal::Batch batch_;       // the commit thread reads it while is_under_way_ is true
    bool is_under_way_ = false;  // between submit and on_done
    std::unique_ptr<os::WorkerPool> worker_;
};

}  // namespace ledge::storage
