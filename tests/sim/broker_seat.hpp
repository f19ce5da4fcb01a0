// BrokerSeat: where the broker sits in the simulated world. The world knows only this: the calls of a shard, and that
// the broker can be killed and started again. What survives a kill is what the store holds; nothing without one.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ledge/base/log.hpp"
#include "ledge/broker/metrics.hpp"
#include "ledge/broker/options.hpp"
#include "ledge/broker/shard.hpp"
#include "ledge/session/connection.hpp"
#include "ledge/storage/memory_store.hpp"

namespace ledge::sim {

class BrokerSeat {
public:
    BrokerSeat(broker::ShardOptions options, std::uint64_t seed);
    ~BrokerSeat();
    BrokerSeat(const BrokerSeat&) = delete;
    BrokerSeat& operator=(const BrokerSeat&) = delete;

    /// Returns the time by the broker's own clock: `now`, but with a store at least the time that the store knows.
    Instant start(Instant now);
    /// All connections are gone without a word, and everything that was only in memory. `is_kept`: the commit under
    /// way survives, wholly; else nothing of it. The next start is `rest` after the last commit by the calendar.
    void kill(bool is_kept = false, Duration rest = {});

    session::Connection* open(session::LinkHandle* link, Instant now);
    void on_bytes(session::Connection& connection, const std::vector<Byte>& bytes, Instant now);
    void on_closed(session::Connection& connection, Instant now);
    void on_drained(session::Connection& connection, Instant now);
    void on_time(Instant now);
    Instant next_deadline() const { return shard_->next_deadline(); }
    session::Connection* next_dirty();
    void shut_down(Instant now);

    // The store
    bool has_store() const { return store_ != nullptr; }
    bool wants_commit(Instant now);
    Instant commit_deadline() const { return shard_->commit_deadline(); }
    void begin_commit(Instant now);
    bool is_committing() const { return has_store() && store_->is_busy(); }
    /// The commit ends. False: it has failed, and so will all that follow.
    bool end_commit(Instant now);
    void break_store() { store_->fail_from(1, {storage::Fault::io, "simulated"}); }
    /// Time of the newest commit that is there after a crash now.
    Instant time_of_store(bool is_kept) const { return is_kept ? taken_at_ : stored_at_; }
    /// What is in it: sessions, messages, queues; not retained messages. Anything: a leak when no session is left.
    std::size_t rows_of_sessions();

    /// Takes up to `most` bytes from the front of the outbox, a few parts at a time as a driver would.
    std::vector<Byte> take(session::Connection& connection, std::size_t most);

    const broker::ShardOptions& options() const { return options_; }
    broker::Metrics metrics() const;
    /// What the broker has logged as an error, and does not come from a store that fails; the first such line.
    const std::string& complaint() const { return complaint_; }
    /// Prints what the broker logs to standard error.
    void trace() { is_tracing_ = true; }
    /// Bytes on the heap, since the first start.
    std::int64_t memory() const;

private:
    broker::ShardOptions options_;
    std::uint64_t seed_;
    static void on_log(void* self, const LogRecord& record);

    Log log_{LogLevel::warning, &BrokerSeat::on_log, this};
    bool is_tracing_ = false;
    std::string complaint_;
    std::int64_t memory_before_ = 0;
    std::unique_ptr<storage::MemoryStore> store_;
    Instant taken_at_{};
    Instant stored_at_{};
    std::unique_ptr<broker::Shard> shard_;
};

}  // namespace ledge::sim
