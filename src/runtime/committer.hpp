// Committer: between a shard and its store. Takes batches when they are due and no other is under way, brings the
// reports of the committer's thread back to the loop, and keeps the account of what the flash is given.
// On the loop's thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>
#include <optional>

#include "ledge/base/log.hpp"
#include "ledge/base/time.hpp"
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
};

class Committer {
public:
    /// Reports wake `io`. Starts the thread.
    Committer(boost::asio::io_context& io, std::unique_ptr<storage::Store> store, const CommitterOptions& options,
              const Log& log);

    /// Once a turn: what the last batch came to, and the next batch if it is due.
    void serve(broker::Shard& shard, Instant now);
    /// When serve() has something to do; `never` while a batch is under way: its report wakes the loop.
    Instant next_deadline(const broker::Shard& shard) const;

    /// The end, after the last connection: everything pending is written, the store closed.
    void finish(broker::Shard& shard, Instant now);

private:
    void submit(broker::Shard& shard, Instant now);
    void take_report(broker::Shard& shard, Instant now);
    void tell_figures(broker::Shard& shard, double used_fraction, Instant now);
    /// More than the daily budget has been written in the last 24 hours: the log says who has written most.
    void tell_writers(const broker::Shard& shard, std::uint64_t day_bytes, Instant now);

    boost::asio::io_context& io_;
    std::unique_ptr<storage::Store> store_;
    CommitterOptions options_;
    const Log& log_;
    storage::WearAccount wear_;
    std::optional<storage::CommitQueue::Outcome> report_;  // not yet taken
    Instant quiet_until_ = Instant::min();                 // tell_writers
    bool is_busy_ = false;                                 // a batch is under way
    bool has_failed_ = false;
    std::optional<storage::CommitQueue> queue_;  // last: its thread ends before the rest does
};

}  // namespace ledge::runtime
