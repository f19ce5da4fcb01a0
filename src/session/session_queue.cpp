// The queues of a session: what goes in and out, and what the store has to know of it.
#include <algorithm>

#include "ledge/base/assert.hpp"
#include "ledge/session/records.hpp"
#include "ledge/session/session.hpp"

namespace ledge::session {

namespace {
// One reading of the store: enough that its cost does not show, little enough for one turn.
constexpr std::size_t refill_rows_max = 200;
constexpr std::size_t refill_bytes_max = 256 * 1024;
}  // namespace

void Session::enqueue(Delivery delivery) {
    const std::size_t bytes = delivery.publication.bytes();
    if (delivery.row == 0 || !pending_.goes_to_tail(bytes, *limits_)) return enqueue_loaded(std::move(delivery));
    count_queued(bytes);
    pending_.push_stored(delivery.row, bytes);
    if (delivery.barrier != 0) {  // out of reach for the subscriber: only the commit settles it
        environment_.barriers.require_commit(delivery.barrier);
        environment_.barriers.release(delivery.barrier);
    }
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
    ++environment_.counters.queued_messages;
    environment_.counters.queued_bytes += bytes;
}

Delivery Session::dequeue() {
    Delivery delivery = pending_.pop();
    --environment_.counters.queued_messages;
    environment_.counters.queued_bytes -= delivery.publication.bytes();
    return delivery;
}

void Session::discard_expired(Instant now) {
    if (pending_.earliest_expiry() > now) return;
    pending_.forget_earliest_expiry();
    for (std::size_t left = pending_.loaded(); left > 0; --left) {  // once round, in order
        Delivery delivery = dequeue();
        if (delivery.publication.expires_at() > now) {
            enqueue_loaded(std::move(delivery));
        } else {
            ++environment_.counters.dropped_expired;
            has_gaps_ = has_gaps_ || delivery.row != 0;
            discard(delivery);
        }
    }
}

wire::PacketId Session::open_exchange(Delivery delivery, bool is_sent) {
    ++environment_.counters.queued_messages;
    const wire::PacketId id = inflight_.open(std::move(delivery), is_sent);
    count_slots();
    return id;
}

void Session::finish_exchange(wire::PacketId id) {
    Inflight::Entry* entry = inflight_.find(id);
    LEDGE_ASSERT(entry != nullptr);
    discard(entry->delivery);
    --environment_.counters.queued_messages;
    inflight_.finish(id);
}

void Session::discard(Delivery& delivery) {
    drop_row(delivery);
    if (delivery.barrier != 0) environment_.barriers.release(std::exchange(delivery.barrier, 0));
}

// ---------------------------------------------------------------------------------------------------------------------
// Records

void Session::store(Delivery& delivery, Urgency urgency) {
    LEDGE_ASSERT(is_stored());
    Journal& journal = environment_.journal;
    const Publication& publication = delivery.publication;
    // A retained message may have been stored for an earlier delivery, and be gone with it.
    if (publication.message() == 0 || environment_.references.count(publication.message()) == 0) {
        const std::uint64_t message = journal.new_number();
        publication.set_message(message,
                                journal.put_publication(RecordKind::put_message, message, publication, urgency));
        environment_.message_owners.add(message, journal.cause(), publication.bytes());
    }
    delivery.message = publication.message();
    delivery.row = ++last_row_;
    environment_.references.add(delivery.message);
    delivery.ticket =
        journal.put(RecordKind::put_queued, number_, delivery.row, encode_row(delivery, OutState::done, 0), urgency);
}

Ticket Session::record_state(Delivery& delivery, OutState state, wire::PacketId id) {
    if (delivery.row == 0) return 0;
    Journal& journal = environment_.journal;
    Blob body = encode_row(delivery, state, id);
    if (journal.is_pending(delivery.ticket))
        journal.replace(delivery.ticket, std::move(body), Urgency::now);
    else
        delivery.ticket = journal.put(RecordKind::put_queued, number_, delivery.row, std::move(body), Urgency::now);
    return delivery.ticket;
}

Blob Session::encode_row(const Delivery& delivery, OutState state, wire::PacketId id) const {
    wire::PropertyBuilder& ids = environment_.inbound_ids;
    ids.clear();
    delivery.ids.append_to(ids);
    const auto bytes = delivery.publication ? static_cast<std::uint32_t>(delivery.publication.bytes()) : 0U;
    return encode(QueuedRecord{delivery.message, bytes, share_subscription_of(delivery), id, state, delivery.qos,
                               delivery.retain, ids.view().raw()});
}

void Session::drop_row(Delivery& delivery) {
    if (delivery.row == 0) return;
    Journal& journal = environment_.journal;
    if (journal.is_pending(delivery.ticket))
        journal.cancel(delivery.ticket);
    else
        journal.drop(RecordKind::drop_queued, number_, delivery.row, Urgency::lazy);
    delivery.row = 0;
    if (!environment_.references.release(delivery.message)) return;
    environment_.message_owners.remove(delivery.message);
    const Ticket ticket = delivery.publication ? delivery.publication.message_ticket() : 0;
    if (ticket != 0 && journal.is_pending(ticket))
        journal.cancel(ticket);
    else
        journal.drop(RecordKind::drop_message, 0, delivery.message, Urgency::lazy);
    if (delivery.publication) delivery.publication.set_message(0, 0);
}

Ticket Session::put_received(wire::PacketId id) {
    if (!is_stored()) return 0;
    const Ticket ticket = environment_.journal.put(RecordKind::put_received, number_, id, {}, Urgency::now);
    if (ticket != never_durable) received_ticket_ = ticket;
    return ticket;
}

Ticket Session::drop_received(wire::PacketId id) {
    return is_stored() ? environment_.journal.drop(RecordKind::drop_received, number_, id, Urgency::now) : 0;
}

void Session::put_record(Instant expires_at, Urgency urgency) {
    Journal& journal = environment_.journal;
    if (!journal.is_enabled()) return;
    const bool is_new = number_ == 0;
    if (is_new) number_ = journal.new_number();
    SessionRecord record{client_id_, expiry_interval_s, expires_at, false, std::nullopt, owner()};
    if (will != nullptr) record.will = *will;
    if (account_ != nullptr) record.network = account_->network;
    if (record_ticket_ != 0 && journal.is_pending(record_ticket_))
        journal.replace(record_ticket_, encode(record), urgency);
    else
        record_ticket_ = journal.put(RecordKind::put_session, number_, 0, encode(record), urgency);
    if (is_new) creation_ticket_ = record_ticket_;
}

bool Session::is_durable() const { return environment_.journal.is_durable(creation_ticket_); }

void Session::drop_record() {
    if (number_ != 0) environment_.journal.drop(RecordKind::drop_session, number_, 0, Urgency::lazy);
    number_ = 0;
    record_ticket_ = creation_ticket_ = 0;
}

void Session::end_record() {
    LEDGE_ASSERT(number_ != 0);
    environment_.journal.put(RecordKind::put_session, number_, 0,
                             encode(SessionRecord{client_id_, 0, never, true, std::nullopt}), Urgency::lazy);
}

// A shared subscription is named in the store by its number within the session: group ids are those of one run.
std::uint32_t Session::share_subscription_of(const Delivery& delivery) const {
    if (delivery.share_group == 0) return 0;
    const auto mine = std::ranges::find(subscriptions, delivery.share_group, &SubscriptionRef::share_group);
    return mine == subscriptions.end() ? 0 : mine->number;
}

std::uint32_t Session::share_group_of(std::uint32_t subscription) const {
    if (subscription == 0) return 0;
    const auto mine = std::ranges::find(subscriptions, subscription, &SubscriptionRef::number);
    return mine == subscriptions.end() ? 0 : mine->share_group;
}

// ---------------------------------------------------------------------------------------------------------------------
// Reading back

void Session::refill() {
    if (!pending_.has_stored_tail() || pending_.has_loaded()) return;
    const StoreReader& store = environment_.store;
    auto& rows = environment_.loaded;
    do {
        rows.clear();
        store.queued(store.context, number_, pending_.stored_from(), refill_rows_max, refill_bytes_max, rows);
        for (const StoredDelivery& row : rows) load_row(row);
    } while (!rows.empty() && !pending_.has_loaded());
    if (rows.empty()) wait_for_commit();  // all that is left is on its way to the store
}

void Session::load_row(const StoredDelivery& stored) {
    const auto record = parse_queued({stored.row.body.data(), stored.row.body.size()});
    const auto publication = parse_publication({stored.publication.data(), stored.publication.size()});
    const bool is_in_flight = record && record->state != OutState::done;
    if (is_in_flight) return pending_.skip_stored(stored.row.number);  // restored as an exchange
    Delivery delivery;
    delivery.row = stored.row.number;
    if (!record) {  // not counted as queued either
        pending_.skip_stored(stored.row.number);
        return give_up(delivery);
    }
    pending_.take_stored(stored.row.number, record->bytes);
    delivery.message = record->message;
    if (!publication) {
        --environment_.counters.queued_messages;
        environment_.counters.queued_bytes -= record->bytes;
        return give_up(delivery);
    }
    delivery.publication = Publication(*publication, environment_.memory.account());
    delivery.publication.set_message(record->message, 0);
    delivery.ids.add_all(record->ids);
    delivery.share_group = share_group_of(record->share_subscription);
    delivery.qos = record->qos;
    delivery.retain = record->retain;
    delivery.may_be_repetition = stored.row.number <= repeated_until_row_;
    push(std::move(delivery));
}

// A row that cannot be delivered, now or ever.
void Session::give_up(Delivery& delivery) {
    note_unreadable(delivery.row);
    if (environment_.references.count(delivery.message) > 0) return discard(delivery);
    environment_.journal.drop(RecordKind::drop_queued, number_, delivery.row, Urgency::lazy);
}

void Session::note_unreadable(std::uint64_t row) {
    ++environment_.counters.dropped_unreadable;
    environment_.log.error("stored_message_unreadable", {{"client_id", client_id_}, {"row", row}});
}

bool Session::load_publication(Delivery& delivery) const {
    if (delivery.publication) return true;
    std::vector<Byte> body;
    const StoreReader& store = environment_.store;
    if (delivery.message == 0 || store.message == nullptr || !store.message(store.context, delivery.message, body))
        return false;
    const auto publication = parse_publication({body.data(), body.size()});
    if (!publication) return false;
    delivery.publication = Publication(*publication, environment_.memory.account());
    delivery.publication.set_message(delivery.message, 0);
    return true;
}

void Session::restore(std::uint64_t number, std::uint64_t last_row) {
    number_ = number;
    last_row_ = last_row;
}

bool Session::restore_exchange(std::uint64_t row, const Delivery& delivery, OutState state, wire::PacketId id) {
    Delivery restored = delivery;
    restored.row = row;
    if (!inflight_.restore(id, std::move(restored), state)) return false;
    count_slots();
    ++environment_.counters.queued_messages;
    return true;
}

void Session::restore_queue(std::uint64_t rows, std::uint64_t bytes, std::uint64_t from) {
    if (rows == 0) return;
    environment_.counters.queued_messages += rows;
    environment_.counters.queued_bytes += bytes;
    pending_.restore(rows, bytes, from);
    repeated_until_row_ = last_row_;  // whoever was connected may have seen any of them [MQTT-3.3.1-1]
}

void Session::wait_for_commit() {
    if (is_waiting_for_commit_) return;
    is_waiting_for_commit_ = true;
    environment_.waiting_sessions.push_back(this);
}

}  // namespace ledge::session
