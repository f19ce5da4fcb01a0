// Journal: the changes that must survive a crash, as records in the order in which the core makes them. Each record has
// a ticket. The core appends records and asks "is ticket T durable?". A committer moves all pending records into one
// batch, writes the batch in one transaction and reports the result.
// A pending record (no batch contains it yet) can still be cancelled or replaced. For this reason a message is never
// written if its subscribers acknowledge it in time.
// Each shard owns one journal and uses it on the shard's thread only. The journal does no I/O.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "ledge/base/ids.hpp"
#include "ledge/base/ring.hpp"
#include "ledge/base/time.hpp"
#include "ledge/journal/publication.hpp"
#include "ledge/journal/store_account.hpp"

namespace ledge::journal {

enum class Change : std::uint8_t;
enum class RecordKind : std::uint8_t;
struct Batch;
struct JournalOptions;

/// How soon a pending record has to be written. A higher value is more urgent.
enum class Urgency : std::uint8_t {
    lazy,   // No client waits. Written with the next commit, at the latest after JournalOptions::lazy_interval.
    paced,  // A client waits for a small change that costs its own commit. JournalOptions::paced_interval limits these.
    soon,   // A client waits, but an acknowledgement may make the write unnecessary. Written after commit_delay.
    now,    // A client waits, and only the commit can end the wait. Written at once.
};

class Journal {
public:
    /// Commits for Urgency::paced alone that are made without a pause; after these, one per paced_interval.
    static constexpr int paced_commits = 32;
    /// A commit with at least this many paced records is not limited: the records share the cost of the commit.
    static constexpr std::uint32_t paced_records_cheap = 16;

    explicit Journal(const JournalOptions& options);
    ~Journal();
    Journal(const Journal&) = delete;
    Journal& operator=(const Journal&) = delete;

    bool is_enabled() const { return is_enabled_; }
    bool is_durable(Ticket ticket) const { return ticket <= durable_; }
    Ticket durable() const { return durable_; }
    /// A commit has failed. No further ticket becomes durable.
    bool is_failed() const { return is_failed_; }
    /// A commit found no room on the disk. The committer repeats the commit; until a try succeeds, no further ticket
    /// becomes durable.
    bool is_postponed() const { return is_postponed_; }
    /// New publications are refused, because the store has failed, has no room, is nearly full, or is too slow.
    bool refuses_publications() const { return is_failed_ || is_postponed_ || is_full_ || bytes() > bytes_max_; }
    /// Commits are postponed, and records of other kinds than publications have filled the journal up to its limit. New
    /// sessions, new wills and loads of stored queues are refused as well.
    bool is_saturated() const { return is_postponed_ && bytes() > bytes_max_; }

    /// While a Cause exists, new records are charged to its account: the account of the client whose packet the shard
    /// processes. nullptr charges nobody.
    class Cause {
    public:
        Cause(Journal& journal, StoreAccount* account) : journal_(journal) { journal_.cause_ = account; }
        ~Cause() { journal_.cause_ = nullptr; }
        Cause(const Cause&) = delete;
        Cause& operator=(const Cause&) = delete;

    private:
        Journal& journal_;
    };
    StoreAccount* cause() const { return cause_; }
    /// Charges records to `account` until the present Cause ends. CONNECT needs this: the client's account is known
    /// only once the client has a session.
    void set_cause(StoreAccount& account) { cause_ = &account; }
    /// The journal is more than half full, and this account causes more than a quarter of bytes_max: the account keeps
    /// other clients from writing.
    bool is_crowded_by(const StoreAccount& account) const {
        return bytes() > bytes_max_ / 2 && account.journal_bytes > bytes_max_ / 4;
    }

    /// A number that was never used before, for a session, a message or a retained message.
    std::uint64_t new_number() { return next_number_++; }

    /// The number that new_number() returned last.
    std::uint64_t last_number() const { return next_number_ - 1; }

    // Each function appends one record and returns its ticket: no_ticket when the journal is not enabled,
    // never_durable when the store has failed.
    Ticket put(RecordKind kind, SessionNumber session, std::uint64_t number, Blob body, Urgency urgency);
    Ticket drop(RecordKind kind, SessionNumber session, std::uint64_t number, Urgency urgency);
    /// Appends a record whose body is `publication`. The journal shares the publication; make_batch() copies its bytes.
    Ticket put_publication(RecordKind kind, std::uint64_t number, const Publication& publication, Urgency urgency);

    /// The ticket of the latest record. When this ticket is durable, all records so far are durable.
    Ticket last() const { return is_failed_ ? never_durable : last_appended(); }

    /// No batch contains the record yet, so the record can still be changed.
    bool is_pending(Ticket ticket) const { return ticket > last_batched_ && ticket != never_durable; }
    /// Removes a record that is no longer needed. Requires is_pending, and that the record was not cancelled before.
    void cancel(Ticket ticket);
    /// Cancels a record that deliveries wait for. consume_settled_without_commit() then reports that the wait is over.
    void withdraw(Ticket ticket);
    /// Nothing needs to wait for this record: it is on stable storage, or it was cancelled while it was pending.
    bool is_settled(Ticket ticket) const { return is_durable(ticket) || is_cancelled(ticket); }
    /// Replaces the body. Requires is_pending, and that the record was not cancelled.
    void replace(Ticket ticket, Blob body, Urgency urgency);
    void replace(Ticket ticket, const Publication& publication, Urgency urgency);

    // For the committer's side
    /// When the pending records have to be moved into a batch; `never` when no record is pending.
    Instant commit_deadline() const;
    /// Starts the delays of the records that were appended since the last call. Call this once per turn of the event
    /// loop, before commit_deadline().
    void note_time(Instant now);
    bool has_pending() const { return live_ > 0; }
    /// Moves all pending records into a batch. Requires that no other batch is under way.
    Batch make_batch(Instant now);
    /// The batch under way is on stable storage; `last` is its Batch::last.
    void on_committed(Ticket last);
    void on_failed() { is_failed_ = true; }
    /// The batch under way found no room on the disk and is committed again later.
    void on_postponed() { is_postponed_ = true; }
    void set_lazy_interval(Duration interval);
    void set_full(bool is_full) { is_full_ = is_full; }
    bool is_full() const { return is_full_; }

    /// Bytes of the pending records and of the batch under way. A cancelled record counts as long as it takes a place
    /// in the queue.
    std::uint64_t bytes() const { return pending_bytes_ + batch_bytes_ + (pending_.size() - live_) * record_bytes; }
    std::uint64_t cancelled() const { return cancelled_; }

    /// Makes all pending records due at once. The caller has promised a client that they become durable.
    void request_commit() { note_urgency(Urgency::now); }
    /// True once after a ticket was settled without a commit: its record was withdrawn, or all pending records were
    /// cancelled. The caller must then wake the connections and sessions that wait for a commit.
    bool consume_settled_without_commit() { return std::exchange(has_settled_without_commit_, false); }

    /// Continues with the numbers of a store. Numbers that new_number() returned before stay in use: no number is
    /// returned twice.
    void restore(std::uint64_t next_number) { next_number_ = std::max(next_number_, next_number); }

private:
    struct Pending {
        RecordKind kind{};
        Change change{};
        Urgency urgency = Urgency::lazy;
        bool is_cancelled = false;
        SessionNumber session = no_session;
        std::uint64_t number = 0;
        Blob body{};
        Publication publication{};
        StoreAccount* account = nullptr;  // the account that the record is charged to; nullptr = nobody
    };

    Ticket append(Pending record);
    /// The ticket of the latest record that is pending, or in a batch.
    Ticket last_appended() const { return Ticket(last_batched_.value() + pending_.size()); }
    /// The index in pending_. Requires is_pending.
    std::size_t index_of(Ticket ticket) const { return ticket.value() - last_batched_.value() - 1; }
    Pending& pending_of(Ticket ticket);
    void note_urgency(Urgency urgency);
    void note_urgency(Pending& record, Urgency urgency);
    void uncount_paced(const Pending& record);
    bool is_cancelled(Ticket ticket) const;
    void settle_cancelled();
    void reset_delays();
    Instant paced_deadline() const;
    static std::size_t size_of(const Pending& record);
    void add_to_sums(Pending& record);
    void subtract_from_sums(const Pending& record);
    void charge_batched(const Pending& record);
    static constexpr std::size_t record_bytes = 64;  // of a pending record without its body

    std::unique_ptr<JournalOptions> options_;
    bool is_enabled_;          // as in options_: each publication asks for these two
    std::uint64_t bytes_max_;  // as in options_
    StoreAccount* cause_ = nullptr;
    std::vector<StoreAccount*> batch_accounts_;  // the accounts with records in the batch under way
    Ring<Pending> pending_;                      // the record with ticket last_batched_ + 1 + i is at index i
    Ticket last_batched_ = no_ticket;            // all records up to this ticket are in a batch, or were cancelled
    Ticket durable_ = no_ticket;
    std::uint64_t live_ = 0;           // pending records that are not cancelled
    std::uint64_t pending_bytes_ = 0;  // of the pending records that are not cancelled
    std::uint64_t batch_bytes_ = 0;    // of the batch under way
    std::uint64_t cancelled_ = 0;
    std::uint64_t next_number_ = 1;
    bool is_failed_ = false;
    bool is_postponed_ = false;
    bool is_full_ = false;
    bool has_settled_without_commit_ = false;
    Urgency urgency_ = Urgency::lazy;            // the highest urgency of the pending records
    Instant lazy_since_ = never;                 // when note_time() first saw a pending record
    std::uint32_t paced_records_ = 0;            // pending records with Urgency::paced that are not cancelled
    Instant paced_since_ = never;                // when note_time() first saw a paced record; never = none is pending
    Instant soon_since_ = never;                 // when note_time() first saw a record with Urgency::soon or now
    Instant paced_debt_until_ = Instant::min();  // when all paced_commits are available again
};

}  // namespace ledge::journal
