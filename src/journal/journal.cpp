#include "ledge/journal/journal.hpp"

#include <algorithm>

#include "ledge/base/assert.hpp"
#include "ledge/journal/records.hpp"

namespace ledge::journal {

Ticket Journal::put(RecordKind kind, std::uint64_t session, std::uint64_t number, Blob body, Urgency urgency) {
    return append({.kind = kind,
                   .change = Change::put,
                   .urgency = urgency,
                   .session = session,
                   .number = number,
                   .body = std::move(body)});
}

Ticket Journal::drop(RecordKind kind, std::uint64_t session, std::uint64_t number, Urgency urgency) {
    return append({.kind = kind, .change = Change::drop, .urgency = urgency, .session = session, .number = number});
}

Ticket Journal::put_publication(RecordKind kind, std::uint64_t number, const Publication& publication,
                                Urgency urgency) {
    return append(
        {.kind = kind, .change = Change::put, .urgency = urgency, .number = number, .publication = publication});
}

Ticket Journal::append(Pending record) {
    if (!options_.is_enabled || is_failed_) return is_failed_ ? never_durable : 0;
    count(record);
    note_urgency(record.urgency);
    if (record.urgency == Urgency::paced) ++paced_records_;
    pending_.push_back(std::move(record));
    ++live_;
    return taken_ + pending_.size();
}

void Journal::cancel(Ticket ticket) {
    LEDGE_ASSERT(is_pending(ticket) && ticket - taken_ <= pending_.size());
    Pending& record = pending_[ticket - taken_ - 1];
    LEDGE_ASSERT(!record.is_cancelled);
    uncount(record);
    forget_paced(record);
    record = {.is_cancelled = true};
    --live_;
    ++cancelled_;
    if (live_ == 0) forget_cancelled();
}

void Journal::withdraw(Ticket ticket) {
    cancel(ticket);
    has_settled_without_commit_ = true;
}

bool Journal::is_cancelled(Ticket ticket) const {
    return is_pending(ticket) && ticket - taken_ <= pending_.size() && pending_[ticket - taken_ - 1].is_cancelled;
}

// With the last paced record its commit is not needed any more; what is lazy does not pay for one in its place.
void Journal::forget_paced(const Pending& record) {
    if (record.urgency != Urgency::paced || --paced_records_ > 0) return;
    paced_since_ = never;
    if (urgency_ == Urgency::paced) urgency_ = Urgency::lazy;
}

// Nothing is left to be written: what waited for these tickets waits for nothing. Keeps an elided message from
// leaving a trace, not even an empty commit.
void Journal::forget_cancelled() {
    if (taken_ != durable_) return;  // a batch is under way: tickets become durable in order
    has_settled_without_commit_ = !pending_.empty();
    taken_ += pending_.size();
    durable_ = taken_;
    while (!pending_.empty()) pending_.pop_front();
    forget_delays();
}

void Journal::forget_delays() {
    urgency_ = Urgency::lazy;
    paced_records_ = 0;
    lazy_since_ = paced_since_ = soon_since_ = never;
}

void Journal::replace(Ticket ticket, Blob body, Urgency urgency) {
    LEDGE_ASSERT(is_pending(ticket));
    Pending& record = pending_[ticket - taken_ - 1];
    uncount(record);
    record.body = std::move(body);
    count(record);
    note_urgency(record, urgency);
}

void Journal::replace(Ticket ticket, const Publication& publication, Urgency urgency) {
    LEDGE_ASSERT(is_pending(ticket));
    Pending& record = pending_[ticket - taken_ - 1];
    uncount(record);
    record.publication = publication;
    count(record);
    note_urgency(record, urgency);
}

// Into the sums, and out of them again. A record that is replaced is charged to whoever replaces it.
void Journal::count(Pending& record) {
    const std::size_t bytes = size_of(record);
    pending_bytes_ += bytes;
    record.account = cause_;
    if (cause_ != nullptr) cause_->journal_bytes += bytes;
}

void Journal::uncount(const Pending& record) {
    const std::size_t bytes = size_of(record);
    pending_bytes_ -= bytes;
    if (record.account != nullptr) record.account->journal_bytes -= bytes;
}

void Journal::note_taken(const Pending& record) {
    constexpr std::uint64_t key_bytes = 16;
    if (record.account == nullptr) return;
    StoreAccount& account = *record.account;
    const std::size_t bytes = size_of(record);
    account.written_bytes += key_bytes + bytes;
    if (account.taken_bytes == 0 && bytes > 0) taken_accounts_.push_back(&account);
    account.taken_bytes += bytes;
}

void Journal::note_urgency(Urgency urgency) { urgency_ = std::max(urgency_, urgency); }

void Journal::note_urgency(Pending& record, Urgency urgency) {
    note_urgency(urgency);
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
    if (urgency_ == Urgency::now || pending_bytes_ >= options_.bytes_urgent) return Instant::min();
    const Instant lazy = lazy_since_ == never ? Instant::min() : lazy_since_ + options_.lazy_interval;
    const Instant soon = soon_since_ == never ? never : soon_since_ + options_.commit_delay;
    return std::min({lazy, paced_deadline(), soon});
}

// A bucket of paced_commits, of which each paced_interval refills one; it is full from paced_debt_until_ on.
Instant Journal::paced_deadline() const {
    if (paced_since_ == never) return never;
    if (paced_records_ >= paced_records_cheap) return paced_since_ + options_.commit_delay;
    const Duration credit = options_.paced_interval * (paced_commits - 1);
    const Instant affordable = paced_debt_until_ == Instant::min() ? Instant::min() : paced_debt_until_ - credit;
    return std::max(paced_since_ + options_.commit_delay, affordable);
}

Batch Journal::make_batch(Instant now) {
    LEDGE_ASSERT(taken_ == durable_);
    if (urgency_ == Urgency::paced && paced_records_ < paced_records_cheap)
        paced_debt_until_ = std::max(paced_debt_until_, now) + options_.paced_interval;
    Batch batch;
    batch.records.reserve(live_);
    batch.bodies.reserve(pending_bytes_);
    for (std::size_t i = 0; i < pending_.size(); ++i) {
        const Pending& record = pending_[i];
        if (record.is_cancelled) continue;
        const auto offset = static_cast<std::uint32_t>(batch.bodies.size());
        const Bytes body = record.body.bytes();  // a removal has none
        if (record.publication)
            append_publication(record.publication.view(), batch.bodies);
        else
            batch.bodies.insert(batch.bodies.end(), body.begin(), body.end());
        const auto size = static_cast<std::uint32_t>(batch.bodies.size() - offset);
        batch.records.push_back({record.kind, record.change, offset, size, record.session, record.number});
        note_taken(record);
    }
    taken_ += pending_.size();
    pending_.clear();
    batch.last = taken_;
    batch.next_number = next_number_;
    batch.now = now;
    taken_bytes_ = std::exchange(pending_bytes_, 0);
    live_ = 0;
    forget_delays();
    return batch;
}

void Journal::on_committed(Ticket last) {
    LEDGE_ASSERT(last == taken_);
    durable_ = last;
    taken_bytes_ = 0;
    for (StoreAccount* account : taken_accounts_) account->journal_bytes -= std::exchange(account->taken_bytes, 0);
    taken_accounts_.clear();
    is_postponed_ = false;
    if (live_ == 0) forget_cancelled();
}

}  // namespace ledge::journal
