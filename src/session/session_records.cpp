#include "ledge/session/session_records.hpp"

#include <functional>

#include "ledge/base/assert.hpp"
#include "ledge/journal/journal.hpp"
#include "ledge/journal/record.hpp"
#include "ledge/journal/records.hpp"

namespace ledge::session {

using journal::RecordKind;

namespace {
// Only the session's own client could make two of its records collide, and would lose no more than its own last will.
std::uint64_t hash_of(Bytes body) { return std::hash<std::string_view>()(as_text(body)); }
}  // namespace

void SessionRecordWriter::put(const journal::SessionRecord& record, journal::Urgency urgency) {
    if (!journal_.is_enabled()) return;
    const bool is_new = number_ == no_session;
    if (is_new) number_ = SessionNumber(journal_.new_number());
    expiry_interval_s_ = record.expiry_interval_s;
    has_will_ = record.will.has_value();
    Blob body = encode(record);
    const std::uint64_t hash = hash_of(body.bytes());
    const bool is_pending = ticket_ != no_ticket && journal_.is_pending(ticket_);
    if (!is_new && !is_pending && hash == body_hash_) return;
    if (is_pending)
        journal_.replace(ticket_, std::move(body), urgency);
    else
        ticket_ = journal_.put(RecordKind::session, number_, 0, std::move(body), urgency);
    body_hash_ = hash;
    expiry_ = record.expires_at;
    if (is_new) creation_ticket_ = ticket_;
}

void SessionRecordWriter::drop(journal::Urgency urgency) {
    if (number_ != no_session) journal_.drop(RecordKind::session, number_, 0, urgency);
    number_ = no_session;
    ticket_ = creation_ticket_ = no_ticket;
}

void SessionRecordWriter::mark_ended(journal::Urgency urgency) {
    LEDGE_ASSERT(number_ != no_session);
    journal_.put(RecordKind::session, number_, 0,
                 encode(journal::SessionRecord{client_id_, 0, never, true, std::nullopt}), urgency);
}

bool SessionRecordWriter::is_durable() const { return journal_.is_durable(ticket_); }

bool SessionRecordWriter::survives_crash() const { return journal_.is_durable(creation_ticket_); }

void SessionRecordWriter::restore(SessionNumber number, Bytes body, Instant expiry) {
    LEDGE_ASSERT(number != no_session && number_ == no_session);
    number_ = number;
    body_hash_ = hash_of(body);
    expiry_ = expiry;
}

bool WillRecordWriter::is_pending() const { return ticket_ != no_ticket && journal_.is_pending(ticket_); }

void WillRecordWriter::put(const journal::SessionRecord& record, journal::Urgency urgency) {
    LEDGE_ASSERT(record.is_will_only && record.will.has_value());
    if (number_ == no_session) number_ = SessionNumber(journal_.new_number());
    if (is_pending()) return journal_.replace(ticket_, encode(record), urgency);
    is_written_ = is_written_ || ticket_ != no_ticket;
    ticket_ = journal_.put(RecordKind::session, number_, 0, encode(record), urgency);
}

void WillRecordWriter::drop(journal::Urgency urgency) {
    if (number_ == no_session) return;
    const bool was_pending = is_pending();
    if (was_pending) journal_.cancel(ticket_);
    // A batch may have taken an earlier form of the record, so a record that is only pending may still be in the store.
    if (!was_pending || is_written_) journal_.drop(RecordKind::session, number_, 0, urgency);
    number_ = no_session;
    ticket_ = no_ticket;
    is_written_ = false;
}

}  // namespace ledge::session
