// Committer: gives the batches of the shard to the commit thread, one at a time, and the reports back to the shard.
// The states: idle, busy (a commit is under way), waiting (a full disk; the batch is tried again), failed (for good).
#include "committer.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "ledge/base/assert.hpp"
#include "ledge/broker/shard.hpp"
#include "ledge/journal/record.hpp"
#include "ledge/net/post.hpp"
#include "ledge/runtime/clock.hpp"

namespace ledge::runtime {
namespace {

std::int64_t in_ms(Duration time) { return std::chrono::duration_cast<std::chrono::milliseconds>(time).count(); }

}  // namespace

Committer::Committer(boost::asio::io_context& io, std::unique_ptr<storage::Store> store,
                     const CommitterOptions& options, const Log& log)
    : io_(io), store_(std::move(store)), options_(options), log_(log), wear_(options.daily_write_budget_bytes) {
    figures_.is_used = true;
    figures_.start_state = store_->start_state();
    figures_.daily_budget_bytes = options.daily_write_budget_bytes;
}

const broker::StoreFigures& Committer::start_figures(std::uint64_t bad_rows) {
    figures_.bad_rows = bad_rows;
    figures_.used_fraction = store_->used_fraction();
    const storage::StoreRoom room = store_->room();
    figures_.used_bytes = room.used_bytes;
    figures_.size_max_bytes = room.size_max_bytes;
    return figures_;
}

std::error_code Committer::start() {
    LEDGE_ASSERT(queue_ == nullptr);
    // The report comes on the commit thread. post_to() carries it to the thread of the loop, where serve() finds it.
    auto queue = storage::CommitQueue::create(
        *store_, net::post_to(io_),
        [this](storage::CommitQueue::Outcome outcome) { report_.emplace(std::move(outcome)); });
    if (!queue) return queue.error();
    queue_ = std::move(*queue);
    return {};
}

void Committer::serve(broker::Shard& shard, Instant now) {
    if (report_) handle_report(shard, now);
    switch (state_) {
        case State::idle:
            // A report of a commit also tells the used room, so the store is asked only when no commit is due.
            if (shard.wants_commit(now))
                submit(shard, now);
            else if (shard.is_store_short() && next_at_ <= now)
                check_room(shard, now);
            break;
        case State::busy:
            if (next_at_ <= now) log_slow_commit(shard, now);
            break;
        case State::waiting:
            if (next_at_ <= now) submit_again(now);
            break;
        case State::failed: break;
    }
}

void Committer::submit(broker::Shard& shard, Instant now) {
    LEDGE_ASSERT(state_ == State::idle && !report_);
    state_ = State::busy;
    busy_since_ = now;
    next_at_ = now + slow_commit;
    journal::Batch batch = shard.take_batch(now);
    busy_records_ = batch.records.size();
    queue_->submit(std::move(batch));
}

void Committer::submit_again(Instant now) {
    LEDGE_ASSERT(state_ == State::waiting);
    state_ = State::busy;
    // The log already says that commits are postponed, so a slow retry is no news.
    next_at_ = figures_.is_postponed ? never : now + slow_commit;
    queue_->submit_again();
}

void Committer::handle_report(broker::Shard& shard, Instant now) {
    LEDGE_ASSERT(report_ && state_ == State::busy);
    const storage::CommitQueue::Outcome report = std::move(*report_);
    report_.reset();
    if (!report) {
        // A full disk may have room later. Every other error is final: the store is not used any more.
        if (storage::may_retry(report.error())) return postpone(shard, report.error(), now);
        state_ = State::failed;
        figures_.is_postponed = false;
        figures_.waiting_since = never;
        figures_.waiting_reason = text_of(report.error());
        publish_figures(shard, now);
        log_.error("commit_failed", {{"reason", figures_.waiting_reason}});
        return shard.on_store_failed(now);
    }
    // From here on the commit has succeeded.
    state_ = State::idle;
    next_at_ = now + look_interval;
    if (figures_.waiting_since != never) log_end_of_wait(now);
    wear_.note(report.value(), now);
    figures_.commit_us.note(static_cast<std::uint64_t>(std::max(now - busy_since_, Duration::zero()).count()));
    figures_.commit_records.note(busy_records_);
    figures_.used_fraction = report.value().used_fraction;
    figures_.used_bytes = report.value().used_bytes;
    figures_.size_max_bytes = report.value().size_max_bytes;
    figures_.bad_rows = report.value().bad_rows;
    publish_figures(shard, now);
    shard.on_committed(report.value().last, report.value().used_fraction, now);
    if (options_.daily_write_budget_bytes > 0) {  // near the budget, lazy commits become rarer
        shard.set_lazy_interval(wear_.lazy_interval(options_.lazy_interval, now));
        const std::uint64_t day = wear_.day_bytes(now);
        if (day > options_.daily_write_budget_bytes) log_top_writers(shard, day, now);
    }
}

// A full disk has room again when somebody deletes files, so the commit is tried again. The batch stays in the queue,
// so that no later batch overtakes it.
void Committer::postpone(broker::Shard& shard, const Error& error, Instant now) {
    state_ = State::waiting;
    next_at_ = now + pause_;
    pause_ = std::min(2 * pause_, retry_pause_max);
    // One log line per reason: a disk that stays full must not fill the log as well.
    const bool is_news = !figures_.is_postponed || postponed_by_ != error;
    if (!figures_.is_postponed) ++figures_.postponements;
    figures_.is_postponed = true;
    figures_.waiting_since = busy_since_;
    figures_.waiting_reason = text_of(error);
    postponed_by_ = error;
    publish_figures(shard, now);
    shard.on_commit_postponed(now);
    if (!is_news) return;
    log_.error("commit_postponed",
               {{"reason", figures_.waiting_reason},
                {"outcome",
                 "durable publications are refused or not acknowledged, QoS 0 messages are delivered; the commit is "
                 "tried again until it succeeds"},
                {"retry_max_ms", in_ms(retry_pause_max)},
                {"fix", storage::fault_of(error.code) == storage::Fault::ceiling
                            ? "raise store.size_max_bytes and restart, or let subscribers receive the queued messages"
                            : "free space on the disk of the store; a restart does not help"}});
}

void Committer::check_room(broker::Shard& shard, Instant now) {
    next_at_ = now + look_interval;
    figures_.used_fraction = store_->used_fraction();
    figures_.size_max_bytes = store_->room().size_max_bytes;
    publish_figures(shard, now);
    shard.note_store_used(figures_.used_fraction, now);
}

void Committer::log_slow_commit(broker::Shard& shard, Instant now) {
    next_at_ = never;
    figures_.waiting_since = busy_since_;
    figures_.waiting_reason = "the disk has not finished a commit";
    publish_figures(shard, now);
    log_.warning("commit_slow", {{"waiting_ms", in_ms(now - busy_since_)},
                                 {"outcome", "no message is acknowledged as durable until the disk has answered"}});
}

void Committer::log_end_of_wait(Instant now) {
    if (figures_.is_postponed) {
        log_.warning("commit_healed", {{"waited_ms", in_ms(now - busy_since_)}, {"reason", figures_.waiting_reason}});
    } else {
        log_.warning("commit_slow_ended",
                     {{"waited_ms", in_ms(now - busy_since_)}, {"reason", figures_.waiting_reason}});
    }
    figures_.waiting_since = never;
    figures_.is_postponed = false;
    figures_.waiting_reason.clear();
    pause_ = retry_pause_first;
}

void Committer::publish_figures(broker::Shard& shard, Instant now) {
    const storage::WearTotals& totals = wear_.totals();
    figures_.commits = totals.commits;
    figures_.given = totals.given;
    figures_.device_bytes = totals.device_bytes;
    figures_.device_bytes_day = wear_.day_bytes(now);
    shard.note_store(figures_);
}

// Names the users that write most: the operator needs to know who uses up the budget.
// At most one line per hour.
void Committer::log_top_writers(const broker::Shard& shard, std::uint64_t day_bytes, Instant now) {
    constexpr Duration log_interval = 1h;
    if (now < next_writers_log_at_) return;
    next_writers_log_at_ = now + log_interval;
    std::string owners;
    for (const session::OwnerFigure& owner : shard.metrics().owners_by_written_bytes)
        owners += (owners.empty() ? "" : ", ") + owner.owner + ": " + std::to_string(owner.value);
    log_.warning("write_budget_passed", {{"day_bytes", day_bytes},
                                         {"limit_bytes", options_.daily_write_budget_bytes},
                                         {"limit", "store.daily_write_budget_bytes"},
                                         {"bytes_by_owner", owners}});
}

Instant Committer::next_deadline(const broker::Shard& shard) const {
    if (report_) return Instant::min();
    switch (state_) {
        case State::idle:
            return shard.is_store_short() ? std::min(next_at_, shard.commit_deadline()) : shard.commit_deadline();
        case State::busy:
        case State::waiting: return next_at_;
        case State::failed: break;
    }
    return never;
}

// ---------------------------------------------------------------------------------------------------------------------
// The end

// One commit may be under way; one more commit writes all pending changes and the time of the stop. The wait for them
// is limited, because a service manager kills a process that stops too slowly, and then the log would not say why.
void Committer::finish(broker::Shard& shard, Instant now) {
    if (!queue_) return;
    io_.restart();  // an io_context that ran out of work runs no posted calls until it is restarted
    const Instant deadline = read_clock() + options_.finish_time_max;
    const auto await = [&] {
        if (!await_report(deadline)) return false;
        handle_report(shard, now);
        return true;
    };
    if (state_ == State::busy) {
        log_.info("store_finishing", {{"reason", "a commit is under way"}});
        if (!await()) return abandon(shard);
    }
    if (state_ == State::waiting) {
        submit_again(now);
        if (!await()) return abandon(shard);
    }
    if (state_ == State::idle) {  // the changes that came after the last batch need a batch of their own
        submit(shard, now);
        if (!await()) return abandon(shard);
    }
    if (state_ == State::waiting) {
        log_.error("store_unfinished", {{"reason", figures_.waiting_reason},
                                        {"outcome", "changes that were not acknowledged as durable are lost"}});
    }
    queue_.reset();
    store_->close(now);
}

/// Runs the loop until the report is there. Returns false if there is no report at `deadline`, by read_clock().
bool Committer::await_report(Instant deadline) {
    while (!report_) {
        if (io_.run_one_until(to_steady(deadline)) == 0 && read_clock() >= deadline) return report_.has_value();
    }
    return true;
}

void Committer::abandon(broker::Shard& shard) {
    is_abandoned_ = true;
    queue_->abandon();
    // The commit thread may use the queue and the store until the process ends, so neither is destroyed. This list
    // keeps both reachable: otherwise a leak checker would report them if the thread has not begun the commit yet.
    static auto* const left_behind = new std::vector<std::pair<storage::CommitQueue*, storage::Store*>>;
    left_behind->emplace_back(queue_.release(), store_.release());
    log_.error(
        "store_abandoned",
        {{"reason", "the disk did not finish a commit"},
         {"waited_ms", in_ms(options_.finish_time_max)},
         {"outcome", shard.commit_deadline() == never
                         ? "the changes in this commit may be lost"
                         : "the changes in this commit may be lost, and later changes are lost; at level durable, "
                           "no PUBACK was sent for any of them"}});
}

}  // namespace ledge::runtime
