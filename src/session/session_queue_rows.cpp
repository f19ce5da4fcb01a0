// SessionQueue: reads messages back that only the store has, and continues after a start of the broker.
#include <algorithm>
#include <limits>

#include "ledge/base/assert.hpp"
#include "ledge/base/log.hpp"
#include "ledge/journal/journal.hpp"
#include "ledge/journal/message_references.hpp"
#include "ledge/journal/record.hpp"
#include "ledge/journal/records.hpp"
#include "ledge/journal/store_reader.hpp"
#include "ledge/session/applied_rules.hpp"
#include "ledge/session/counters.hpp"
#include "ledge/session/memory_budget.hpp"
#include "ledge/session/queue_losses.hpp"
#include "ledge/session/services.hpp"
#include "ledge/session/session_queue.hpp"
#include "ledge/session/session_records.hpp"
#include "ledge/session/subscription_set.hpp"
#include "ledge/session/tracer.hpp"

namespace ledge::session {

namespace {
// Limits of one read from the store: large enough that the cost of a read does not matter, small enough for one turn of
// the shard.
constexpr std::size_t refill_rows_max = 200;
constexpr std::size_t refill_bytes_max = 256 * 1024;
}  // namespace

[[gnu::hot]] SessionQueue::Next SessionQueue::next() {
    refill();
    if (!pending_.is_tail_next()) return pending_.has_loaded() ? Next::loaded : Next::nothing;
    // After a failure of the store the rows of the tail never come, so a loaded front need not wait for them.
    return pending_.has_loaded() && services_.journal.is_failed() ? Next::loaded : Next::after_commit;
}

// Loads rows until the tail does not come next. Leaves the tail as it is when its rows are still on their way to the
// store, or when the journal is full: each loaded message would soon add the record of its removal.
[[gnu::hot]] void SessionQueue::refill() {
    if (!pending_.is_tail_next() || services_.journal.is_saturated()) return;
    auto& rows = services_.scratch.loaded;
    do {
        rows.clear();
        services_.store.queued(record_.number(), pending_.stored_from(), refill_rows_max, refill_bytes_max, rows);
        load_rows(rows);
    } while (!rows.empty() && pending_.is_tail_next());
    if (rows.empty() && services_.journal.is_durable(tail_ticket_)) forget_lost_tail();
}

// The store should have the rows of the tail, but does not return them: the disk has damaged them while the broker ran.
void SessionQueue::forget_lost_tail() {
    services_.tracer.drop(
        {.reason = &Counters::dropped_unreadable, .client_id = record_.client_id(), .count = pending_.stored_rows()});
    services_.counters.queued_messages -= pending_.stored_rows();
    services_.counters.queued_bytes -= pending_.stored_bytes();
    services_.log.error("stored_message_unreadable",
                        {{"client_id", record_.client_id()}, {"row", pending_.stored_from().value()}});
    note_losses(&QueueLosses::unreadable, pending_.stored_rows());
    note_removed(pending_.stored_rows(), pending_.stored_bytes());
    pending_.forget_tail();
    if (rules_ != nullptr) rules_->forget_tail();
}

// Loads the rows that come before the loaded front. The other rows stay in the tail.
void SessionQueue::load_rows(const std::vector<journal::StoredDelivery>& rows) {
    const std::size_t loaded = pending_.loaded();
    const QueueRow before = loaded == 0 ? QueueRow(std::numeric_limits<std::uint64_t>::max()) : pending_.front().row;
    for (const journal::StoredDelivery& row : rows) {
        if (QueueRow(row.row.number) > before) {
            pending_.skip_stored(QueueRow(row.row.number - 1));
            break;
        }
        load_row(row);
    }
    pending_.move_to_back(loaded);
}

void SessionQueue::load_row(const journal::StoredDelivery& stored) {
    const auto record = journal::parse_queued({stored.row.body.data(), stored.row.body.size()});
    const auto publication = journal::parse_publication({stored.publication.data(), stored.publication.size()});
    const QueueRow row(stored.row.number);
    // restore_exchange() has opened this row's exchange already.
    if (record && is_restored_exchange(row, record->packet_id)) return pending_.skip_stored(row);
    if (is_removed(row)) return pending_.skip_stored(row);  // it is uncounted already
    Delivery delivery;
    delivery.row = row;
    delivery.is_stored = true;
    if (!record) {  // an unreadable row was not counted as queued, so nothing is uncounted
        pending_.skip_stored(row);
        return drop_unreadable_row(delivery);
    }
    pending_.take_stored(row, record->bytes);
    uncount_queued(record->bytes);
    delivery.message = record->message;
    const bool is_released = record->state == journal::OutState::released;  // PUBREL needs no publication
    if (!publication && !is_released) {
        note_removed(1, record->bytes);
        return drop_unreadable_row(delivery);
    }
    delivery.publication =
        journal::Publication(publication.value_or(journal::PublicationView{}), services_.memory.account());
    delivery.publication.set_message(record->message, no_ticket);
    delivery.ids.add_all(record->ids);
    delivery.share_group = share_group_of(record->share_subscription);
    delivery.qos = record->qos;
    delivery.retain = record->retain;
    delivery.is_live = record->is_live;
    delivery.state = record->state;
    delivery.sent = sent_before(row, record->state);
    delivery.queued_s = record->queued_s;
    if (rules_ != nullptr && is_replaced(delivery)) {
        note_removed(1, record->bytes);
        return discard_replaced(delivery);
    }
    if (rules_ != nullptr) note_loaded(delivery);
    enqueue_loaded(std::move(delivery));
}

// The packet id of a QoS 2 message is recorded before its first PUBLISH. A recorded message that may have been sent
// counts as sent, because the client may hold the id. A QoS 1 message that may have been sent is sent with DUP: a
// receiver may use DUP only as a hint, while DUP 0 on a repetition would be a false statement.
Sent SessionQueue::sent_before(QueueRow row, journal::OutState state) const {
    if (row <= sent_until_ || state == journal::OutState::released) return Sent::yes;
    if (row > doubted_until_) return Sent::no;
    return state == journal::OutState::done ? Sent::perhaps : Sent::yes;
}

ShareGroupId SessionQueue::share_group_of(std::uint32_t subscription) const {
    if (subscription == 0) return no_share_group;
    const SubscriptionRef* mine = subscriptions_.find_number(subscription);
    return mine == nullptr ? no_share_group : mine->share_group;
}

// True when the exchange of a stored row is open already, because restore_exchange() has opened it.
bool SessionQueue::is_restored_exchange(QueueRow row, wire::PacketId id) {
    const Inflight::Entry* entry = id == 0 ? nullptr : inflight_.find(id);
    return entry != nullptr && entry->delivery.is_stored && entry->delivery.row == row;
}

// The row can never be delivered. Removes it from the store.
void SessionQueue::drop_unreadable_row(Delivery& delivery) {
    drop_unreadable(delivery);
    note_losses(&QueueLosses::unreadable);
    if (rules_ != nullptr) rules_->forget(delivery.row);
    if (services_.references.count(delivery.message) > 0) return discard(delivery);
    services_.journal.drop(journal::RecordKind::queued, record_.number(), delivery.row.value(), journal::Urgency::lazy);
}

void SessionQueue::drop_unreadable(const Delivery& delivery) const {
    drop(&Counters::dropped_unreadable, delivery);
    services_.log.error("stored_message_unreadable",
                        {{"client_id", record_.client_id()}, {"row", delivery.row.value()}});
}

[[gnu::hot]] bool SessionQueue::load_publication(Delivery& delivery) const {
    if (delivery.publication) return true;
    std::vector<Byte> body;
    if (delivery.message == no_message || !services_.store.message(delivery.message, body)) return false;
    const auto publication = journal::parse_publication({body.data(), body.size()});
    if (!publication) return false;
    delivery.publication = journal::Publication(*publication, services_.memory.account());
    delivery.publication.set_message(delivery.message, no_ticket);
    return true;
}

// Before the restart, rows above `last_row` may have been given to messages that are finished or were never durable.
// Such rows are given again. Their packet ids are free: the row of a QoS 2 message is durable before its first PUBLISH,
// so no client holds an id of them.
void SessionQueue::restore(QueueRow last_row, QueueRow last_live, const journal::SendingProgress& progress) {
    LEDGE_ASSERT(size() == 0 && last_row_ == no_row);
    progress_ = progress;
    last_row_ = std::max(last_row, progress.known_until);
    sent_until_ = std::min(progress.sent_until, last_row_);
    doubted_until_ = std::max(sent_until_, std::min(progress.doubted_until, last_row_));
    // A message that was stored while the client was connected, after the record was written, may have been sent.
    if (last_live > progress.known_until) doubted_until_ = std::max(doubted_until_, last_live);
    id_shift_ = progress.id_shift;
}

bool SessionQueue::restore_exchange(QueueRow row, Delivery delivery, journal::OutState state, wire::PacketId id) {
    if (state == journal::OutState::done || !inflight_.has_room(id)) return false;
    delivery.row = row;
    delivery.is_stored = true;
    delivery.state = state;
    delivery.sent = Sent::yes;
    inflight_.open(id, std::move(delivery), false);
    count_slots();
    ++services_.counters.queued_messages;
    return true;
}

void SessionQueue::restore_rows(std::uint64_t rows, std::uint64_t bytes, QueueRow from) {
    inflight_.mark_unsent();
    // After exchanges of an older release: shift the ids, so that the next row gets the id after the last exchange.
    if (const wire::PacketId last = inflight_.last_id(); last != 0) {
        const QueueRow next = rows == 0 ? last_row_.next() : from;
        id_shift_ =
            static_cast<std::uint16_t>((last + Inflight::ids - (next.value() - 1) % Inflight::ids) % Inflight::ids);
    }
    if (rows == 0) return;
    services_.counters.queued_messages += rows;
    services_.counters.queued_bytes += bytes;
    pending_.restore(rows, bytes, from);
    if (rules_ != nullptr) index_stored_rows();
}

}  // namespace ledge::session
