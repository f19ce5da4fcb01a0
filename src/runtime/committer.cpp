#include "committer.hpp"

#include <boost/asio/post.hpp>
#include <utility>

#include "ledge/broker/shard.hpp"

namespace ledge::runtime {

Committer::Committer(boost::asio::io_context& io, std::unique_ptr<storage::Store> store,
                     const CommitterOptions& options, const Log& log)
    : io_(io), store_(std::move(store)), options_(options), log_(log), wear_(options.daily_write_budget_bytes) {
    queue_.emplace(*store_, [this](storage::CommitQueue::Outcome outcome) {
        boost::asio::post(io_, [this, taken = std::move(outcome)]() mutable { report_.emplace(std::move(taken)); });
    });
}

void Committer::serve(broker::Shard& shard, Instant now) {
    if (report_) take_report(shard, now);
    if (!is_busy_ && !has_failed_ && shard.wants_commit(now)) submit(shard, now);
}

void Committer::submit(broker::Shard& shard, Instant now) {
    is_busy_ = true;
    queue_->submit(shard.take_batch(now));
}

void Committer::take_report(broker::Shard& shard, Instant now) {
    const storage::CommitQueue::Outcome report = std::move(*report_);
    report_.reset();
    is_busy_ = false;
    if (!report) {
        has_failed_ = true;
        log_.error("commit_failed", {{"reason", report.error().text}});
        return shard.on_store_failed(now);
    }
    wear_.note(report.value(), now);
    tell_figures(shard, report.value().used_fraction, now);
    shard.on_committed(report.value().last, report.value().used_fraction, now);
    if (options_.daily_write_budget_bytes > 0) {
        shard.set_lazy_interval(wear_.lazy_interval(options_.lazy_interval, now));
        const std::uint64_t day = wear_.day_bytes(now);
        if (day > options_.daily_write_budget_bytes) tell_writers(shard, day, now);
    }
}

void Committer::tell_figures(broker::Shard& shard, double used_fraction, Instant now) {
    const storage::WearTotals& totals = wear_.totals();
    shard.note_store({true, totals.commits, totals.given, totals.device_bytes, wear_.day_bytes(now), used_fraction});
}

// Once an hour, as long as it is so.
void Committer::tell_writers(const broker::Shard& shard, std::uint64_t day_bytes, Instant now) {
    constexpr Duration told_interval = 1h;
    if (now < quiet_until_) return;
    quiet_until_ = now + told_interval;
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
    return is_busy_ || has_failed_ ? never : shard.commit_deadline();
}

void Committer::finish(broker::Shard& shard, Instant now) {
    if (!queue_) return;
    io_.restart();  // a loop that ran out of work takes its posts again
    while (is_busy_) {
        if (report_) take_report(shard, now);
        if (is_busy_) io_.run_one();
    }
    while (!has_failed_ && shard.commit_deadline() != never) {
        submit(shard, now);
        while (!report_) io_.run_one();
        take_report(shard, now);
    }
    queue_.reset();
    store_->close(now);
}

}  // namespace ledge::runtime
