// SessionQueue: the rules of queue_rules.hpp. Nothing here runs for a session without rules.
//
// last_value: the record of the newer message and the removal of the earlier one are made in one turn of the shard, so
// one commit has both. After a crash the store has one of the two, never none and never both. So the next start finds
// at most one waiting message of each topic that was in the index.
#include <algorithm>

#include "ledge/base/assert.hpp"
#include "ledge/journal/journal.hpp"
#include "ledge/journal/record.hpp"
#include "ledge/journal/records.hpp"
#include "ledge/journal/store_reader.hpp"
#include "ledge/session/applied_rules.hpp"
#include "ledge/session/counters.hpp"
#include "ledge/session/queue_losses.hpp"
#include "ledge/session/queue_rules.hpp"
#include "ledge/session/services.hpp"
#include "ledge/session/session_queue.hpp"
#include "ledge/session/session_records.hpp"

namespace ledge::session {

namespace {
// Rows that are looked through at the start of the broker, in steps as large as those of refill().
constexpr std::size_t index_rows_max = 20'000;
constexpr std::size_t index_step_rows = 200;
constexpr std::size_t index_step_bytes = 256 * 1024;
}  // namespace

void SessionQueue::use_rules(const QueueRules& rules) {
    LEDGE_ASSERT(rules_ == nullptr);
    rules_ = std::make_unique<AppliedRules>(rules);
    note_changed_rules(true);
}

// A filter that comes back would find places of messages that have moved or left while no filter matched them, so the
// index begins anew. What waits already is kept, wherever it waits: otherwise a message of the tail would be dropped
// when it is read, while one in memory is sent. A restored queue gets its rules before its rows, so these may be
// replaced. A shorter age_max ends messages earlier than the queue has noted when they came.
void SessionQueue::note_changed_rules(bool has_other_last_value) {
    LEDGE_ASSERT(rules_ != nullptr);
    if (has_other_last_value) rules_->begin_anew(last_row_);
    for (std::size_t i = 0; i < pending_.loaded(); ++i) pending_.note_expiry(expires_at(pending_.at(i)));
    count_slots();
}

std::uint64_t SessionQueue::rules_memory() const { return rules_->memory(); }

void SessionQueue::note_queued(Delivery& delivery, Instant now) { delivery.queued_s = AppliedRules::stamp(now); }

Instant SessionQueue::expires_by_rules(const Delivery& delivery) const {
    return std::min(delivery.publication.expires_at(), rules_->age_limit(delivery.queued_s));
}

// ---------------------------------------------------------------------------------------------------------------------
// last_value

// The newer message goes behind all that wait, as it would without the rule: what its publisher has sent in between
// still comes before it.
void SessionQueue::discard_earlier(std::string_view topic) {
    const AppliedRules::Place* found = rules_->find(topic);
    if (found == nullptr) return;
    const AppliedRules::Place place = *found;
    rules_->forget(topic, place.row);
    Delivery earlier;
    bool tail_begins = false;  // with this message
    if (place.is_in_tail) {
        earlier.row = place.row;
        earlier.message = place.message;
        earlier.is_stored = true;
        pending_.drop_stored(place.bytes);
        tail_begins = place.row == pending_.stored_from();
        uncount_queued(place.bytes);
        note_removed(1, place.bytes);
    } else {
        const auto index = pending_.index_of(place.row);
        LEDGE_ASSERT(index.has_value());
        earlier = remove_loaded(*index);
        note_removed(1, earlier.publication.bytes());
        LEDGE_ASSERT(!earlier.is_begun());
    }
    discard_replaced(earlier);
    if (tail_begins) skip_removed(place.row);
}

/// The tail began with `row`, which was removed: it begins behind this row and the removed ones that follow. Otherwise
/// the queue would be taken for older than its oldest message.
void SessionQueue::skip_removed(QueueRow row) {
    pending_.skip_stored(row);
    while (pending_.has_stored_tail() && is_removed(pending_.stored_from()))
        pending_.skip_stored(pending_.stored_from());
}

bool SessionQueue::fits_instead(std::string_view topic, std::size_t bytes, bool is_stored,
                                const SessionLimits& limits) const {
    const AppliedRules::Place* earlier = rules_->find(topic);
    if (earlier == nullptr) return false;
    // A message of the tail leaves no room in memory, where a message that is not stored has to fit.
    if (earlier->is_in_tail) return is_stored && pending_.fits(bytes, is_stored, limits, earlier->bytes);
    const auto index = pending_.index_of(earlier->row);
    LEDGE_ASSERT(index.has_value());
    return pending_.fits(bytes, is_stored, limits, pending_.at(*index).publication.bytes());
}

bool SessionQueue::is_earlier_value(std::string_view topic, const Delivery& earlier) const {
    return rules_ != nullptr && rules_->may_replace(earlier.row) && rules_->keeps_newest(topic) &&
           earlier.publication.view().topic == topic;
}

void SessionQueue::drop_replaced(const Delivery& delivery) {
    drop(&Counters::dropped_replaced, delivery);
    note_losses(&QueueLosses::replaced);
}

// The hold on the publisher's acknowledgement is not settled but abandoned: the earlier message is safe only when the
// commit with the newer one is durable.
void SessionQueue::discard_replaced(Delivery& delivery) {
    drop_replaced(delivery);
    const bool is_row_stored = delivery.is_stored;
    const Ticket removal = drop_row(delivery);
    if (delivery.hold) delivery.hold.abandon();
    if (is_row_stored) rules_->note_removed(delivery.row, removal, services_.journal);
}

/// A row that was read from the store is older than a message of its topic that has come since the start.
bool SessionQueue::is_replaced(const Delivery& delivery) const {
    if (delivery.is_begun() || !rules_->may_replace(delivery.row)) return false;
    const AppliedRules::Place* newest = rules_->find(delivery.publication.view().topic);
    return newest != nullptr && newest->row > delivery.row;
}

/// The row was removed, but the store may still return it.
bool SessionQueue::is_removed(QueueRow row) const { return rules_ != nullptr && rules_->is_removed(row); }

// A message that was sent before must be finished, one of QoS 0 has no row, and one that is older than the filters is
// kept: no newer message replaces these.
bool SessionQueue::note_newest(const Delivery& delivery, bool is_in_tail) {
    if (!rules_->may_replace(delivery.row) || delivery.is_begun()) return true;
    const std::string_view topic = delivery.publication.view().topic;
    if (!rules_->keeps_newest(topic)) return true;
    AppliedRules::Place place{delivery.row, is_in_tail};
    if (is_in_tail) {
        place.message = delivery.message;
        place.bytes = static_cast<std::uint32_t>(delivery.publication.bytes());
    }
    return rules_->set(topic, place);
}

void SessionQueue::note_new(const Delivery& delivery, bool is_in_tail) {
    if (!note_newest(delivery, is_in_tail)) ++services_.counters.last_value_unindexed;
    count_slots();
}

// A row of the tail was loaded. Without room in the index, its topic stays without a place.
void SessionQueue::note_loaded(const Delivery& delivery) {
    if (delivery.is_begun()) return note_left(delivery);
    static_cast<void>(note_newest(delivery, false));
}

void SessionQueue::note_left(const Delivery& delivery) {
    if (delivery.row != no_row) rules_->forget(delivery.publication.view().topic, delivery.row);
}

// ---------------------------------------------------------------------------------------------------------------------
// The start of the broker

// Fills the index with the messages that wait in the store. Rows behind the first index_rows_max are not looked
// through: such a row is sent, or dropped when it is read back and a newer one of its topic has come meanwhile.
void SessionQueue::index_stored_rows() {
    auto& rows = services_.scratch.loaded;
    QueueRow from = pending_.stored_from();
    for (std::size_t seen = 0; seen < index_rows_max; seen += rows.size()) {
        rows.clear();
        services_.store.queued(record_.number(), from, index_step_rows, index_step_bytes, rows);
        if (rows.empty()) return;
        for (const journal::StoredDelivery& row : rows) index_stored_row(row);
        from = QueueRow(rows.back().row.number).next();
    }
}

// Rows that cannot be read, and those of open exchanges, are left to load_row().
void SessionQueue::index_stored_row(const journal::StoredDelivery& stored) {
    const auto record = journal::parse_queued({stored.row.body.data(), stored.row.body.size()});
    const auto publication = journal::parse_publication({stored.publication.data(), stored.publication.size()});
    const QueueRow row(stored.row.number);
    if (!record || !publication || is_restored_exchange(row, record->packet_id)) return;
    if (sent_before(row, record->state) == Sent::yes || !rules_->keeps_newest(publication->topic)) return;
    // The rule may be younger than the rows, or the index was full when the rows were stored.
    discard_earlier(publication->topic);
    rules_->set(publication->topic, {row, true, record->message, record->bytes});
}

}  // namespace ledge::session
