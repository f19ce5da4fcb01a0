// Session: messages enter and leave the two queues here, and the store is kept up to date with each change.
#include <algorithm>
#include <limits>

#include "ledge/base/assert.hpp"
#include "ledge/journal/message_references.hpp"
#include "ledge/journal/records.hpp"
#include "ledge/session/message_owners.hpp"
#include "ledge/session/session.hpp"

namespace ledge::session {

namespace {
// Limits of one read from the store: large enough that the cost of a read does not matter, small enough for one turn of
// the shard.
constexpr std::size_t refill_rows_max = 200;
constexpr std::size_t refill_bytes_max = 256 * 1024;
}  // namespace

void Session::enqueue(Delivery delivery) {
    const std::size_t bytes = delivery.publication.bytes();
    // A message that is not stored needs a row as well, because its packet id follows from the row. QoS 0 has no id.
    if (delivery.row == 0 && delivery.qos != wire::QoS::at_most_once) delivery.row = ++last_row_;
    if (!delivery.is_stored || !pending_.goes_to_tail(bytes, *limits_)) return enqueue_loaded(std::move(delivery));
    count_queued(bytes);
    pending_.push_stored(delivery.row, bytes);
    tail_ticket_ = std::max(tail_ticket_, delivery.ticket);
    // The hold ends here with the delivery, as abandoned: the subscriber does not get the message for now, so only the
    // commit may release the publisher's acknowledgement.
}

void Session::enqueue_loaded(Delivery delivery) {
    count_queued(delivery.publication.bytes());
    push(std::move(delivery));
}

void Session::push(Delivery delivery) {
    pending_.push(std::move(delivery));
    count_slots();
}

void Session::count_queued(std::size_t bytes) {
    ++services_.counters.queued_messages;
    services_.counters.queued_bytes += bytes;
}

void Session::uncount_queued(std::size_t bytes) {
    --services_.counters.queued_messages;
    services_.counters.queued_bytes -= bytes;
}

Delivery Session::dequeue() {
    Delivery delivery = pending_.pop();
    uncount_queued(delivery.publication.bytes());
    return delivery;
}

void Session::discard_expired(Instant now) {
    if (pending_.earliest_expiry() > now) return;
    pending_.forget_earliest_expiry();
    // Each loaded delivery moves from the front to the back once, so the order stays.
    for (std::size_t left = pending_.loaded(); left > 0; --left) {
        Delivery delivery = dequeue();
        if (delivery.publication.expires_at() > now || delivery.is_begun()) {
            enqueue_loaded(std::move(delivery));
        } else {
            ++services_.counters.dropped_expired;
            has_gaps_ = has_gaps_ || delivery.is_stored;
            discard(delivery);
        }
    }
}

std::optional<Delivery> Session::dequeue_oldest_droppable() {
    refill();
    // A delivery that was sent before is never dropped: the client may hold its packet id.
    std::size_t index = 0;
    while (index < pending_.loaded() && pending_.at(index).is_begun()) ++index;
    if (index == pending_.loaded()) return std::nullopt;
    Delivery delivery = pending_.pop(index);
    uncount_queued(delivery.publication.bytes());
    has_gaps_ = has_gaps_ || index > 0;
    return delivery;
}

wire::PacketId Session::open_exchange(Delivery delivery, bool is_sent) {
    ++services_.counters.queued_messages;
    if (delivery.row == 0) delivery.row = ++last_row_;
    const wire::PacketId id = id_of(delivery.row);
    inflight_.open(id, std::move(delivery), is_sent);
    count_slots();
    return id;
}

void Session::finish_exchange(wire::PacketId id) {
    Inflight::Entry* entry = inflight_.find(id);
    LEDGE_ASSERT(entry != nullptr);
    discard(entry->delivery);
    --services_.counters.queued_messages;
    inflight_.finish(id);
}

void Session::discard(Delivery& delivery) {
    drop_row(delivery);
    delivery.hold.settle();
}

// ---------------------------------------------------------------------------------------------------------------------
// Records

void Session::store(Delivery& delivery, journal::Urgency urgency) {
    LEDGE_ASSERT(is_stored());
    journal::Journal& journal = services_.journal;
    const journal::Publication& publication = delivery.publication;
    // The publication may have a message number already although its record was removed: a retained message was stored
    // for an earlier delivery, and the record was removed with that delivery. Then it gets a new record.
    if (publication.message() == no_message || services_.references.count(publication.message()) == 0) {
        const MessageNumber message(journal.new_number());
        publication.set_message(
            message, journal.put_publication(journal::RecordKind::message, message.value(), publication, urgency));
        services_.message_owners.add(message, journal.cause(), publication.bytes());
    }
    delivery.message = publication.message();
    delivery.row = ++last_row_;
    delivery.is_stored = true;
    delivery.is_live = is_online();
    services_.references.add(delivery.message);
    delivery.ticket = journal.put(journal::RecordKind::queued, number(), delivery.row,
                                  encode_row(delivery, journal::OutState::done, 0), urgency);
}

Ticket Session::record_state(Delivery& delivery, journal::OutState state, wire::PacketId id) {
    if (!delivery.is_stored) return no_ticket;
    LEDGE_ASSERT(state != journal::OutState::done && id != 0);
    journal::Journal& journal = services_.journal;
    // A record that no batch contains yet is changed in place, so the store writes the row once.
    Blob body = encode_row(delivery, state, id);
    if (journal.is_pending(delivery.ticket))
        journal.replace(delivery.ticket, std::move(body), journal::Urgency::now);
    else
        delivery.ticket =
            journal.put(journal::RecordKind::queued, number(), delivery.row, std::move(body), journal::Urgency::now);
    return delivery.ticket;
}

Blob Session::encode_row(const Delivery& delivery, journal::OutState state, wire::PacketId id) const {
    wire::PropertyBuilder& ids = services_.scratch.ids;
    ids.clear();
    delivery.ids.append_to(ids);
    const auto bytes = delivery.publication ? static_cast<std::uint32_t>(delivery.publication.bytes()) : 0U;
    return encode(journal::QueuedRecord{delivery.message, bytes, share_subscription_of(delivery), id, state,
                                        delivery.qos, delivery.retain, ids.view().raw(), delivery.is_live});
}

void Session::drop_row(Delivery& delivery) {
    if (!delivery.is_stored) return;
    journal::Journal& journal = services_.journal;
    if (journal.is_pending(delivery.ticket))
        journal.cancel(delivery.ticket);
    else
        journal.drop(journal::RecordKind::queued, number(), delivery.row, journal::Urgency::lazy);
    delivery.is_stored = false;
    // The message's own record goes with the last row that refers to it, in whichever session.
    if (!services_.references.release(delivery.message)) return;
    services_.message_owners.remove(delivery.message);
    const Ticket ticket = delivery.publication ? delivery.publication.message_ticket() : no_ticket;
    if (ticket != no_ticket && journal.is_pending(ticket))
        journal.cancel(ticket);
    else
        journal.drop(journal::RecordKind::message, no_session, delivery.message.value(), journal::Urgency::lazy);
    if (delivery.publication) delivery.publication.set_message(no_message, no_ticket);
}

journal::SessionRecord Session::record_contents(Instant at) const {
    journal::SessionRecord record{client_id_, expiry_interval_s, at, false, std::nullopt, owner(), is_incomplete};
    record.progress = progress_;
    if (will_timer.is_set()) record.will_due = will_timer.deadline();
    if (account_ != nullptr) record.network = account_->network;
    return record;
}

void Session::put_record(Instant at, journal::Urgency urgency) {
    journal::SessionRecord record = record_contents(at);
    if (has_will_to_record()) record.will = *will;
    record_.put(record, urgency);
}

void Session::record_connection(journal::Urgency urgency) {
    // Rows that were never sent are about to be sent. The record must say so before the first of them leaves;
    // otherwise a crash would forget that the client may have seen them.
    const bool has_unsent = is_stored() && backlog() > 0 && last_row_ > doubted_until_;
    if (has_unsent) progress_.doubted_until = journal::SendingProgress::unknown;
    put_record(never, has_unsent ? std::max(urgency, journal::Urgency::paced) : urgency);
    may_send_from_ = has_unsent && !services_.journal.is_failed() ? record_.ticket() : no_ticket;
}

void Session::record_disconnection(Instant at, journal::Urgency urgency) {
    // Without a backlog there is nothing to note, except that an earlier "any row may have been sent" is over.
    if (backlog() > 0 || progress_.doubted_until == journal::SendingProgress::unknown)
        progress_ = {sent_until_, doubted_until_, last_row_, id_shift_};
    put_record(at, urgency);
}

bool Session::is_record_current() const {
    return !is_stored() || record_.agrees_with(expiry_interval_s, has_will_to_record());
}

void Session::put_will_record(journal::Urgency urgency) {
    LEDGE_ASSERT(will != nullptr && !is_persistent());
    journal::SessionRecord record = record_contents(never);
    record.expiry_interval_s = 0;
    record.will = *will;
    record.is_will_only = true;
    record.progress = {};
    record.is_incomplete = false;
    will_record.put(record, urgency);
}

// The store names a shared subscription by its number within the session, because group ids hold for one run of the
// broker only.
std::uint32_t Session::share_subscription_of(const Delivery& delivery) const {
    if (delivery.share_group == 0) return 0;
    const SubscriptionRef* mine = subscriptions.find_group(delivery.share_group);
    return mine == nullptr ? 0 : mine->number;
}

std::uint32_t Session::share_group_of(std::uint32_t subscription) const {
    if (subscription == 0) return 0;
    const SubscriptionRef* mine = subscriptions.find_number(subscription);
    return mine == nullptr ? 0 : mine->share_group;
}

// ---------------------------------------------------------------------------------------------------------------------
// Reading back

void Session::refill() {
    if (!pending_.is_tail_next()) return;
    // Each loaded message would soon add records of removals to the journal, which is full.
    if (services_.journal.is_saturated()) return wait_for_commit();
    const journal::StoreReader& store = services_.store;
    auto& rows = services_.scratch.loaded;
    do {
        rows.clear();
        store.queued(store.context, number(), pending_.stored_from(), refill_rows_max, refill_bytes_max, rows);
        load_rows(rows);
    } while (!rows.empty() && pending_.is_tail_next());
    if (!rows.empty()) return;
    if (services_.journal.is_durable(tail_ticket_)) return forget_lost_tail();
    wait_for_commit();  // the remaining rows are still on their way to the store
}

// The store should have the rows of the tail, but does not return them: the disk has damaged them while the broker ran.
void Session::forget_lost_tail() {
    services_.counters.dropped_unreadable += pending_.stored_rows();
    services_.counters.queued_messages -= pending_.stored_rows();
    services_.counters.queued_bytes -= pending_.stored_bytes();
    services_.log.error("stored_message_unreadable", {{"client_id", client_id_}, {"row", pending_.stored_from()}});
    pending_.forget_tail();
}

// Loads the rows that come before the loaded front. The other rows stay in the tail.
void Session::load_rows(const std::vector<journal::StoredDelivery>& rows) {
    const std::size_t loaded = pending_.loaded();
    const std::uint64_t before = loaded == 0 ? std::numeric_limits<std::uint64_t>::max() : pending_.front().row;
    for (const journal::StoredDelivery& row : rows) {
        if (row.row.number > before) {
            pending_.skip_stored(row.row.number - 1);
            break;
        }
        load_row(row);
    }
    pending_.move_to_back(loaded);
}

bool Session::has_next() {
    refill();
    // After a failure of the store the rows of the tail never come, so the loaded front need not wait for them.
    return pending_.has_loaded() && (!pending_.is_tail_next() || services_.journal.is_failed());
}

void Session::load_row(const journal::StoredDelivery& stored) {
    const auto record = journal::parse_queued({stored.row.body.data(), stored.row.body.size()});
    const auto publication = journal::parse_publication({stored.publication.data(), stored.publication.size()});
    // restore_exchange() has opened this row's exchange already.
    if (record && is_restored_exchange(stored.row.number, record->packet_id))
        return pending_.skip_stored(stored.row.number);
    Delivery delivery;
    delivery.row = stored.row.number;
    delivery.is_stored = true;
    if (!record) {  // an unreadable row was not counted as queued, so nothing is uncounted
        pending_.skip_stored(stored.row.number);
        return drop_unreadable_row(delivery);
    }
    pending_.take_stored(stored.row.number, record->bytes);
    uncount_queued(record->bytes);
    delivery.message = record->message;
    const bool is_released = record->state == journal::OutState::released;  // PUBREL needs no publication
    if (!publication && !is_released) return drop_unreadable_row(delivery);
    delivery.publication =
        journal::Publication(publication.value_or(journal::PublicationView{}), services_.memory.account());
    delivery.publication.set_message(record->message, no_ticket);
    delivery.ids.add_all(record->ids);
    delivery.share_group = share_group_of(record->share_subscription);
    delivery.qos = record->qos;
    delivery.retain = record->retain;
    delivery.is_live = record->is_live;
    delivery.state = record->state;
    delivery.sent = sent_before(stored.row.number, record->state);
    enqueue_loaded(std::move(delivery));
}

// The packet id of a QoS 2 message is recorded before its first PUBLISH. A recorded message that may have been sent
// counts as sent, because the client may hold the id. A QoS 1 message that may have been sent is sent with DUP: a
// receiver may use DUP only as a hint, while DUP 0 on a repetition would be a false statement.
Sent Session::sent_before(std::uint64_t row, journal::OutState state) const {
    if (row <= sent_until_ || state == journal::OutState::released) return Sent::yes;
    if (row > doubted_until_) return Sent::no;
    return state == journal::OutState::done ? Sent::perhaps : Sent::yes;
}

// True when the exchange of a stored row is open already, because restore_exchange() has opened it.
bool Session::is_restored_exchange(std::uint64_t row, wire::PacketId id) {
    const Inflight::Entry* entry = id == 0 ? nullptr : inflight_.find(id);
    return entry != nullptr && entry->delivery.is_stored && entry->delivery.row == row;
}

// The row can never be delivered. Removes it from the store.
void Session::drop_unreadable_row(Delivery& delivery) {
    note_unreadable(delivery.row);
    if (services_.references.count(delivery.message) > 0) return discard(delivery);
    services_.journal.drop(journal::RecordKind::queued, number(), delivery.row, journal::Urgency::lazy);
}

void Session::note_unreadable(std::uint64_t row) {
    ++services_.counters.dropped_unreadable;
    services_.log.error("stored_message_unreadable", {{"client_id", client_id_}, {"row", row}});
}

bool Session::load_publication(Delivery& delivery) const {
    if (delivery.publication) return true;
    std::vector<Byte> body;
    const journal::StoreReader& store = services_.store;
    if (delivery.message == no_message || store.message == nullptr ||
        !store.message(store.context, delivery.message, body))
        return false;
    const auto publication = journal::parse_publication({body.data(), body.size()});
    if (!publication) return false;
    delivery.publication = journal::Publication(*publication, services_.memory.account());
    delivery.publication.set_message(delivery.message, no_ticket);
    return true;
}

// Before the restart, rows above `last_row` may have been given to messages that are finished or were never durable.
// Such rows are given again. Their packet ids are free: the row of a QoS 2 message is durable before its first PUBLISH,
// so no client holds an id of them.
void Session::restore(SessionNumber number, std::uint64_t last_row, std::uint64_t last_live,
                      const journal::SendingProgress& progress, Bytes record, Instant expiry) {
    record_.restore(number, record, expiry);
    progress_ = progress;
    last_row_ = std::max(last_row, progress.known_until);
    sent_until_ = std::min(progress.sent_until, last_row_);
    doubted_until_ = std::max(sent_until_, std::min(progress.doubted_until, last_row_));
    // A message that was stored while the client was connected, after the record was written, may have been sent.
    if (last_live > progress.known_until) doubted_until_ = std::max(doubted_until_, last_live);
    id_shift_ = progress.id_shift;
}

bool Session::restore_exchange(std::uint64_t row, Delivery delivery, journal::OutState state, wire::PacketId id) {
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

void Session::restore_queue(std::uint64_t rows, std::uint64_t bytes, std::uint64_t from) {
    inflight_.mark_unsent();
    // After exchanges of an older release: shift the ids, so that the next row gets the id after the last exchange.
    if (const wire::PacketId last = inflight_.last_id(); last != 0) {
        const std::uint64_t next = rows == 0 ? last_row_ + 1 : from;
        id_shift_ = static_cast<std::uint16_t>((last + Inflight::ids - (next - 1) % Inflight::ids) % Inflight::ids);
    }
    if (rows == 0) return;
    services_.counters.queued_messages += rows;
    services_.counters.queued_bytes += bytes;
    pending_.restore(rows, bytes, from);
}

void Session::wait_for_commit() {
    if (is_waiting_for_commit_) return;
    is_waiting_for_commit_ = true;
    services_.waiting.push_back(this);
}

}  // namespace ledge::session
