// Committer: writes a shard's changes to its store. When a batch is due and no other batch is under way, the Committer
// gets the batch from the shard and passes it to the commit thread. It also counts the bytes written to the flash.
// A BrokerLoop owns the Committer, and calls it on the loop's thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <optional>

#include "ledge/base/log.hpp"
#include "ledge/base/time.hpp"
#include "ledge/broker/metrics.hpp"
#include "ledge/storage/commit_queue.hpp"
#include "ledge/storage/store.hpp"
#include "ledge/storage/wear.hpp"

namespace ledge::broker {
class Shard;
}

namespace ledge::runtime {

struct CommitterOptions {
    Duration lazy_interval{};                    // the configured interval of commits that nobody waits for
    std::uint64_t daily_write_budget_bytes = 0;  // 0 = no budget
    Duration finish_time_max = 20s;              // a stop waits this long for the disk; then the commits are abandoned
};

class Committer {
public:
    /// The commit thread wakes `io` when a batch is finished.
    Committer(boost::asio::io_context& io, std::unique_ptr<storage::Store> store, const CommitterOptions& options,
              const Log& log);

    /// The figures before the first commit. `bad_rows` = of the load.
    const broker::StoreFigures& start_figures(std::uint64_t bad_rows);
    /// Starts the commit thread. Call this once, before the first serve(). The result is empty when that succeeds.
    std::error_code start();

    /// Called once per turn. Handles the report of the last batch, and submits the next batch if it is due.
    void serve(broker::Shard& shard, Instant now);
    /// The next instant at which serve() has something to do. The report of a batch under way wakes the loop by itself.
    Instant next_deadline(const broker::Shard& shard) const;

    /// Ends the Committer, after the last connection: writes all pending changes and closes the store. A disk that does
    /// not answer delays the end by finish_time_max. A commit that failed for lack of room is tried once more.
    void finish(broker::Shard& shard, Instant now);

    /// After finish(): the disk did not answer, so the commit thread may still use the store.
    bool is_abandoned() const { return is_abandoned_; }

    // The pauses after a commit that failed for lack of room. Freed space is noticed within the longest pause.
    static constexpr Duration retry_pause_first = 250ms;  // doubles with each failure
    static constexpr Duration retry_pause_max = 5s;
    /// While the shard refuses publications for lack of room, there may be no commit whose report would tell of freed
    /// room. The store is asked for its used fraction at this interval instead.
    static constexpr Duration look_interval = 5s;
    /// A commit that takes longer than this is logged, because no message is acknowledged as durable meanwhile.
    static constexpr Duration slow_commit = 5s;

private:
    void submit(broker::Shard& shard, Instant now);
    void submit_again(Instant now);
    void handle_report(broker::Shard& shard, Instant now);
    void postpone(broker::Shard& shard, const Error& error, Instant now);
    void check_room(broker::Shard& shard, Instant now);
    void log_slow_commit(broker::Shard& shard, Instant now);
    void log_end_of_wait(Instant now);
    bool await_report(Instant deadline);
    void abandon(broker::Shard& shard);
    void publish_figures(broker::Shard& shard, Instant now);
    /// Logs the owners that have written most. Called when more than the daily budget was written in the last 24 hours.
    void log_top_writers(const broker::Shard& shard, std::uint64_t day_bytes, Instant now);

    boost::asio::io_context& io_;
    std::unique_ptr<storage::Store> store_;
    CommitterOptions options_;
    const Log& log_;
    storage::WearAccount wear_;
    std::optional<storage::CommitQueue::Outcome> report_;  // the report that serve() has not handled yet
    Instant next_writers_log_at_ = Instant::min();         // log_top_writers
    enum class State : std::uint8_t {
        idle,     // no batch is under way
        busy,     // a batch is being committed on the commit thread
        waiting,  // the commit failed for lack of room; the batch is tried again at next_at_
        failed,   // the store has failed; nothing is committed any more
    };
    State state_ = State::idle;
    Instant busy_since_{};          // the first attempt to commit the present batch
    std::size_t busy_records_ = 0;  // changes in this batch
    // The next action of serve(). In the state waiting: the next attempt. Busy: the commit counts as slow from then on;
    // `never` when this was logged. Idle: the next question for the store's room, if the store is short of room.
    Instant next_at_ = never;
    Duration pause_ = retry_pause_first;
    bool is_abandoned_ = false;
    broker::StoreFigures figures_;
    Error postponed_by_;                           // the error of the last failed try, while figures_.is_postponed
    std::unique_ptr<storage::CommitQueue> queue_;  // the last member, so its thread ends first
};

}  // namespace ledge::runtime
