// Journal: appends, replaces and cancels records, computes when a commit is due, and makes the batches.
#include "ledge/journal/journal.hpp"

#include <algorithm>

#include "ledge/base/assert.hpp"
#include "ledge/journal/journal_options.hpp"
#include "ledge/journal/record.hpp"
#include "ledge/journal/records.hpp"

namespace ledge::journal {

Journal::Journal(const JournalOptions& options)
    : options_(std::make_unique<JournalOptions>(options)),
      is_enabled_(options.is_enabled),
      bytes_max_(options.bytes_max) {}
Journal::~Journal() = default;

void Journal::set_lazy_interval(Duration interval) { options_->lazy_interval = interval; }

Ticket Journal::put(RecordKind kind, SessionNumber session, std::uint64_t number, Blob body, Urgency urgency) {
    return append({.kind = kind,
                   .change = Change::put,
                   .urgency = urgency,
                   .session = session,
                   .number = number,
                   .body = std::move(body)});
}

Ticket Journal::drop(RecordKind kind, SessionNumber session, std::uint64_t number, Urgency urgency) {
    return append({.kind = kind, .change = Change::drop, .urgency = urgency, .session = session, .number = number});
}

Ticket Journal::put_publication(RecordKind kind, std::uint64_t number, const Publication& publication,
                                Urgency urgency) {
    return append(
        {.kind = kind, .change = Change::put, .urgency = urgency, .number = number, .publication = publication});
}

Ticket Journal::append(Pending record) {
    if (!is_enabled_ || is_failed_) return is_failed_ ? never_durable : no_ticket;
    LEDGE_ASSERT(record.change == Change::put || (record.body.size() == 0 && !record.publication));
    add_to_sums(record);
    note_urgency(record.urgency);
    if (record.urgency == Urgency::paced) ++paced_records_;
    pending_.push_back(std::move(record));
    ++live_;
    return last_appended();
}

Journal::Pending& Journal::pending_of(Ticket ticket) {
    LEDGE_ASSERT(is_pending(ticket) && ticket <= last_appended());
    return pending_[index_of(ticket)];
}

void Journal::cancel(Ticket ticket) {
    Pending& record = pending_of(ticket);
    LEDGE_ASSERT(!record.is_cancelled);
    LEDGE_ASSERT(live_ > 0);
    subtract_from_sums(record);
    uncount_paced(record);
    // The record stays in the queue as a mark, because a ticket is a position in the queue. Its body is freed here.
    record = {.is_cancelled = true};
    --live_;
    ++cancelled_;
    if (live_ == 0) settle_cancelled();
}

void Journal::withdraw(Ticket ticket) {
    cancel(ticket);
    has_settled_without_commit_ = true;
}

bool Journal::is_cancelled(Ticket ticket) const {
    return is_pending(ticket) && ticket <= last_appended() && pending_[index_of(ticket)].is_cancelled;
}

// When the last paced record is cancelled, the paced commit is no longer needed. Lazy records then wait for their own
// deadline; otherwise they would use up a paced commit.
void Journal::uncount_paced(const Pending& record) {
    if (record.urgency != Urgency::paced) return;
    LEDGE_ASSERT(paced_records_ > 0);
    if (--paced_records_ > 0) return;
    paced_since_ = never;
    if (urgency_ == Urgency::paced) urgency_ = Urgency::lazy;
}

// All pending records are cancelled, so no commit is needed: their tickets become durable here. Without this step a
// message that was acknowledged in time would still cost an empty commit.
void Journal::settle_cancelled() {
    LEDGE_ASSERT(live_ == 0);
    // Tickets become durable in order. While a batch is under way, on_committed() calls this function again.
    if (last_batched_ != durable_) return;
    has_settled_without_commit_ = !pending_.empty();
    last_batched_ = last_appended();
    durable_ = last_batched_;
    while (!pending_.empty()) pending_.pop_front();
    reset_delays();
}

void Journal::reset_delays() {
    urgency_ = Urgency::lazy;
    paced_records_ = 0;
    lazy_since_ = paced_since_ = soon_since_ = never;
}

void Journal::replace(Ticket ticket, Blob body, Urgency urgency) {
    Pending& record = pending_of(ticket);
    LEDGE_ASSERT(!record.is_cancelled);
    subtract_from_sums(record);
    record.body = std::move(body);
    add_to_sums(record);
    note_urgency(record, urgency);
}

void Journal::replace(Ticket ticket, const Publication& publication, Urgency urgency) {
    Pending& record = pending_of(ticket);
    LEDGE_ASSERT(!record.is_cancelled);
    subtract_from_sums(record);
    record.publication = publication;
    add_to_sums(record);
    note_urgency(record, urgency);
}

// Adds the record to the sums and charges it to the present cause. A replaced record is charged to the account that
// replaces it.
void Journal::add_to_sums(Pending& record) {
    const std::size_t bytes = size_of(record);
    pending_bytes_ += bytes;
    record.account = cause_;
    if (cause_ != nullptr) cause_->journal_bytes += bytes;
}

void Journal::subtract_from_sums(const Pending& record) {
    const std::size_t bytes = size_of(record);
    LEDGE_ASSERT(pending_bytes_ >= bytes);
    pending_bytes_ -= bytes;
    if (record.account == nullptr) return;
    LEDGE_ASSERT(record.account->journal_bytes >= bytes);
    record.account->journal_bytes -= bytes;
}

void Journal::charge_batched(const Pending& record) {
    constexpr std::uint64_t key_bytes = 16;
    if (record.account == nullptr) return;
    StoreAccount& account = *record.account;
    const std::size_t bytes = size_of(record);
    account.written_bytes += key_bytes + bytes;
    // The list names each account once: an account with bytes in the batch is already in the list.
    if (account.batch_bytes == 0 && bytes > 0) batch_accounts_.push_back(&account);
    account.batch_bytes += bytes;
}

void Journal::note_urgency(Urgency urgency) { urgency_ = std::max(urgency_, urgency); }

void Journal::note_urgency(Pending& record, Urgency urgency) {
    note_urgency(urgency);
    // A record never becomes less urgent: a client may still wait for its earlier body.
    if (urgency <= record.urgency) return;
    if (record.urgency == Urgency::paced) --paced_records_;
    if (urgency == Urgency::paced) ++paced_records_;
    record.urgency = urgency;
}

std::size_t Journal::size_of(const Pending& record) {
    return record_bytes + record.body.size() + (record.publication ? record.publication.bytes() : 0);
}

void Journal::note_time(Instant now) {
    if (live_ == 0) return;
    if (lazy_since_ == never) lazy_since_ = now;
    if (paced_records_ > 0 && paced_since_ == never) paced_since_ = now;
    if (urgency_ >= Urgency::soon && soon_since_ == never) soon_since_ = now;
}

Instant Journal::commit_deadline() const {
    if (live_ == 0 || is_failed_) return never;
    // Many pending bytes make a commit due at once, so that a batch does not become too large.
    if (urgency_ == Urgency::now || pending_bytes_ >= options_->bytes_urgent) return Instant::min();
    const Instant lazy = lazy_since_ == never ? Instant::min() : lazy_since_ + options_->lazy_interval;
    const Instant soon = soon_since_ == never ? never : soon_since_ + options_->commit_delay;
    return std::min({lazy, paced_deadline(), soon});
}

// A token bucket: it holds up to paced_commits commits, each paced_interval refills one, and from paced_debt_until_ on
// the bucket is full. A commit is affordable as soon as the bucket holds one.
Instant Journal::paced_deadline() const {
    if (paced_since_ == never) return never;
    // Many records share the cost of one commit: such a commit needs no token.
    if (paced_records_ >= paced_records_cheap) return paced_since_ + options_->commit_delay;
    const Duration credit = options_->paced_interval * (paced_commits - 1);
    const Instant affordable = paced_debt_until_ == Instant::min() ? Instant::min() : paced_debt_until_ - credit;
    return std::max(paced_since_ + options_->commit_delay, affordable);
}

Batch Journal::make_batch(Instant now) {
    LEDGE_ASSERT(last_batched_ == durable_);  // no other batch is under way
    // Only a commit that exists for a few paced records uses up a token.
    if (urgency_ == Urgency::paced && paced_records_ < paced_records_cheap)
        paced_debt_until_ = std::max(paced_debt_until_, now) + options_->paced_interval;
    Batch batch;
    batch.records.reserve(live_);
    batch.bodies.reserve(pending_bytes_);
    for (std::size_t i = 0; i < pending_.size(); ++i) {
        const Pending& record = pending_[i];
        if (record.is_cancelled) continue;
        const auto offset = static_cast<std::uint32_t>(batch.bodies.size());
        const Bytes body = record.body.bytes();  // empty for Change::drop
        if (record.publication)
            append_publication(record.publication.view(), batch.bodies);
        else
            batch.bodies.insert(batch.bodies.end(), body.begin(), body.end());
        const auto size = static_cast<std::uint32_t>(batch.bodies.size() - offset);
        batch.records.push_back({record.kind, record.change, offset, size, record.session, record.number});
        charge_batched(record);
    }
    LEDGE_ASSERT(batch.records.size() == live_);
    last_batched_ = last_appended();
    pending_.clear();
    batch.last = last_batched_;
    batch.next_number = next_number_;
    batch.now = now;
    batch_bytes_ = std::exchange(pending_bytes_, 0);
    live_ = 0;
    reset_delays();
    return batch;
}

void Journal::on_committed(Ticket last) {
    LEDGE_ASSERT(last == last_batched_);  // one batch at a time: the report is about the batch under way
    durable_ = last;
    batch_bytes_ = 0;
    for (StoreAccount* account : batch_accounts_) account->journal_bytes -= std::exchange(account->batch_bytes, 0);
    batch_accounts_.clear();
    is_postponed_ = false;
    // Records that were appended and cancelled during the commit could not be settled before this batch.
    if (live_ == 0) settle_cancelled();
}

}  // namespace ledge::journal
