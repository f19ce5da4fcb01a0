// Committer: stands between a shard and its store. It takes batches from the shard when they are due and no other is
// under way, hands them to the committer's thread, and keeps the account of the bytes written to the flash.
// On the loop's thread.
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
    Duration lazy_interval{};                    // as the shard's journal has it
    std::uint64_t daily_write_budget_bytes = 0;  // 0: none
    Duration finish_time_max = 20s;              // for the last commits of a stop; then the disk is left alone
};

class Committer {
public:
    /// Reports wake `io`.
    Committer(boost::asio::io_context& io, std::unique_ptr<storage::Store> store, const CommitterOptions& options,
              const Log& log);

    /// Starts the committer's thread, before the first serve(). 0 or an errno.
    int start();

    /// Once a turn: handles the report of the last batch, and submits the next batch if it is due.
    void serve(broker::Shard& shard, Instant now);
    /// When serve() has something to do; `never` while a batch is under way: its report wakes the loop.
    Instant next_deadline(const broker::Shard& shard) const;

    /// The end, after the last connection: everything pending is written, the store closed. A disk that does not answer
    /// is waited for finish_time_max long. A commit that there is no room for is tried once more.
    void finish(broker::Shard& shard, Instant now);

    // After a commit that failed for want of room. Freed space is found within the longest pause.
    static constexpr Duration retry_pause_first = 250ms;  // doubles with each failure
    static constexpr Duration retry_pause_max = 5s;
    /// While publications are refused for want of room, no commit may come that tells of more: the store is asked.
    static constexpr Duration look_interval = 5s;
    /// A commit that takes longer is told: nothing is acknowledged as durable meanwhile.
    static constexpr Duration slow_commit = 5s;

private:
    void submit(broker::Shard& shard, Instant now);
    void submit_again(Instant now);
    void handle_report(broker::Shard& shard, Instant now);
    void postpone(broker::Shard& shard, const storage::StoreError& error, Instant now);
    void check_room(broker::Shard& shard, Instant now);
    void log_slow_commit(broker::Shard& shard, Instant now);
    void log_end_of_wait(Instant now);
    bool await_report(Instant deadline);
    void abandon(broker::Shard& shard);
    void publish_figures(broker::Shard& shard, Instant now);
    /// More than the daily budget has been written in the last 24 hours: the log says who has written most.
    void log_top_writers(const broker::Shard& shard, std::uint64_t day_bytes, Instant now);

    boost::asio::io_context& io_;
    std::unique_ptr<storage::Store> store_;
    CommitterOptions options_;
    const Log& log_;
    storage::WearAccount wear_;
    std::optional<storage::CommitQueue::Outcome> report_;  // not yet taken
    Instant next_writers_log_at_ = Instant::min();         // log_top_writers
    enum class State : std::uint8_t {
        idle,     // nothing is under way
        busy,     // a commit runs on the committer's thread
        waiting,  // a commit had no room and is tried again at next_at_
        failed,   // for good
    };
    State state_ = State::idle;
    Instant busy_since_{};     // the present batch, from its first try on
    Instant next_at_ = never;  // waiting: the next try; busy: the commit is slow from then on, never: that is told;
                               // idle: the store is asked for its room then, if it is short
    Duration pause_ = retry_pause_first;
    broker::StoreFigures figures_;
    std::unique_ptr<storage::CommitQueue> queue_;  // last: its thread ends before the rest does
};

}  // namespace ledge::runtime
