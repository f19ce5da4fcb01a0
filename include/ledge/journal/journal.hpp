// Journal: what must survive a crash, as records in the order they came about, each with a ticket. The core appends and
// asks "is ticket T durable?"; a committer elsewhere takes all pending records as one batch, writes them in one
// transaction and reports back. A record that nobody has taken yet can still be cancelled or replaced: that is how a
// message that its subscribers acknowledge in time is never written. No I/O here; one journal per shard.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "ledge/base/ring.hpp"
#include "ledge/base/time.hpp"
#include "ledge/journal/journal_options.hpp"
#include "ledge/journal/publication.hpp"
#include "ledge/journal/record.hpp"
#include "ledge/journal/store_account.hpp"
#include "ledge/journal/ticket.hpp"

namespace ledge::journal {

/// How soon pending records have to be written.
enum class Urgency : std::uint8_t {
    lazy,   // nobody waits: with the next commit, or after JournalOptions::lazy_interval
    paced,  // somebody waits for a small change that costs a commit of its own: see JournalOptions::paced_interval
    soon,   // somebody waits, but a subscriber may make it unnecessary: after commit_delay
    now,    // somebody waits, and nothing else can help
};

class Journal {
public:
    /// Commits in a row for Urgency::paced alone before they are paced; those with so many records are not counted:
    /// they share its price.
    static constexpr int paced_commits = 32;
    static constexpr std::uint32_t paced_records_cheap = 16;

    explicit Journal(const JournalOptions& options) : options_(options) {}

    bool is_enabled() const { return options_.is_enabled; }
    bool is_durable(Ticket ticket) const { return ticket <= durable_; }
    Ticket durable() const { return durable_; }
    /// A commit has failed: nothing becomes durable any more.
    bool is_failed() const { return is_failed_; }
    /// A commit had no room on the disk. It is tried again, and nothing becomes durable until it succeeds.
    bool is_postponed() const { return is_postponed_; }
    /// No new publications: the store has failed, has no room, is nearly full, or does not keep up.
    bool refuses_publications() const {
        return is_failed_ || is_postponed_ || is_full_ || bytes() > options_.bytes_max;
    }
    /// While commits are postponed, what comes from elsewhere than publications has filled the journal: no sessions, no
    /// wills and no loads of stored queues either.
    bool is_saturated() const { return is_postponed_ && bytes() > options_.bytes_max; }

    /// The account that records are charged to while the object lives: that of the client whose packet is looked at.
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
    /// From now on, and until the present Cause ends: the client has just got its session.
    void set_cause(StoreAccount& account) { cause_ = &account; }
    /// Much waits for the store, and a large part of it is this account's: it keeps the others from writing.
    bool is_crowded_by(const StoreAccount& account) const {
        return bytes() > options_.bytes_max / 2 && account.journal_bytes > options_.bytes_max / 4;
    }

    /// A number never used before, for a session, message or retained message.
    std::uint64_t new_number() { return next_number_++; }

    /// The one that new_number() gave last.
    std::uint64_t last_number() const { return next_number_ - 1; }

    // Each returns the ticket to wait for: 0 when the journal is not enabled, never_durable when the store has failed.
    Ticket put(RecordKind kind, std::uint64_t session, std::uint64_t number, Blob body, Urgency urgency);
    Ticket drop(RecordKind kind, std::uint64_t session, std::uint64_t number, Urgency urgency);
    /// Body: the publication. `publication` is shared, not copied, until the batch is taken.
    Ticket put_publication(RecordKind kind, std::uint64_t number, const Publication& publication, Urgency urgency);

    /// The ticket of the latest record: what has been put so far is durable when it is.
    Ticket last() const { return is_failed_ ? never_durable : taken_ + pending_.size(); }

    /// True while the record can still be changed: no batch has it.
    bool is_pending(Ticket ticket) const { return ticket > taken_ && ticket != never_durable; }
    /// The record is not needed any more. Requires is_pending.
    void cancel(Ticket ticket);
    /// The same for a record that deliveries wait for: they need not wait any longer.
    void withdraw(Ticket ticket);
    /// Nothing needs to wait for this record: it is on stable storage, or it was cancelled before a batch took it.
    bool is_settled(Ticket ticket) const { return is_durable(ticket) || is_cancelled(ticket); }
    /// Exchanges the body. Requires is_pending.
    void replace(Ticket ticket, Blob body, Urgency urgency);
    void replace(Ticket ticket, const Publication& publication, Urgency urgency);

    // For the committer's side
    /// When the pending records have to be taken; `never` when there are none.
    Instant commit_deadline() const;
    /// Call before commit_deadline, once a turn: starts the delays of what came since.
    void note_time(Instant now);
    bool has_pending() const { return live_ > 0; }
    /// Everything pending. Requires that no other batch is under way.
    Batch make_batch(Instant now);
    /// `batch.last` of the batch that was taken is on stable storage.
    void on_committed(Ticket last);
    void on_failed() { is_failed_ = true; }
    /// The batch that was taken is tried again later.
    void on_postponed() { is_postponed_ = true; }
    void set_lazy_interval(Duration interval) { options_.lazy_interval = interval; }
    void set_full(bool is_full) { is_full_ = is_full; }
    bool is_full() const { return is_full_; }

    /// Bytes of records pending and under way, cancelled ones included as long as they have a place here.
    std::uint64_t bytes() const { return pending_bytes_ + taken_bytes_ + (pending_.size() - live_) * record_bytes; }
    std::uint64_t cancelled() const { return cancelled_; }

    /// Somebody has been promised something: what is pending is due at once.
    void request_commit() { note_urgency(Urgency::now); }
    /// True once after a record was withdrawn, or tickets became durable because all that was pending was cancelled:
    /// what waits for a commit may have nothing left to wait for.
    bool consume_settled_without_commit() { return std::exchange(has_settled_without_commit_, false); }

    /// Continues where a store left off; what was numbered before that is not stored, but no number is given twice.
    void restore(std::uint64_t next_number) { next_number_ = std::max(next_number_, next_number); }

private:
    struct Pending {
        RecordKind kind = RecordKind::message;
        Change change = Change::drop;
        Urgency urgency = Urgency::lazy;
        bool is_cancelled = false;
        std::uint64_t session = 0;
        std::uint64_t number = 0;
        Blob body{};
        Publication publication{};
        StoreAccount* account = nullptr;  // charged with it
    };

    Ticket append(Pending record);
    void note_urgency(Urgency urgency);
    void note_urgency(Pending& record, Urgency urgency);
    void forget_paced(const Pending& record);
    bool is_cancelled(Ticket ticket) const;
    void forget_cancelled();
    void forget_delays();
    Instant paced_deadline() const;
    static std::size_t size_of(const Pending& record);
    void count(Pending& record);
    void uncount(const Pending& record);
    void note_taken(const Pending& record);
    static constexpr std::size_t record_bytes = 64;  // beside its body

    JournalOptions options_;
    StoreAccount* cause_ = nullptr;
    std::vector<StoreAccount*> taken_accounts_;  // those with records under way
    Ring<Pending> pending_;                      // tickets taken_ + 1 …
    Ticket taken_ = 0;
    Ticket durable_ = 0;
    std::uint64_t live_ = 0;  // pending and not cancelled
    std::uint64_t pending_bytes_ = 0;
    std::uint64_t taken_bytes_ = 0;
    std::uint64_t cancelled_ = 0;
    std::uint64_t next_number_ = 1;
    bool is_failed_ = false;
    bool is_postponed_ = false;
    bool is_full_ = false;
    bool has_settled_without_commit_ = false;
    Urgency urgency_ = Urgency::lazy;            // highest of the pending ones
    Instant lazy_since_ = never;                 // when the oldest pending record was first seen by note_time
    std::uint32_t paced_records_ = 0;            // pending and not cancelled
    Instant paced_since_ = never;                // the same for the paced ones; never while there is none
    Instant soon_since_ = never;                 // the same for the oldest that somebody waits for
    Instant paced_debt_until_ = Instant::min();  // when all paced_commits are there again
};

}  // namespace ledge::journal
