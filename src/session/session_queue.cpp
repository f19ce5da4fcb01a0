// SessionQueue: messages enter and leave here, and each change is written to the store. session_queue_rows.cpp reads
// back the rows that only the store has; session_queue_memory.cpp frees memory; session_queue_rules.cpp applies rules.
#include "ledge/session/session_queue.hpp"

#include <algorithm>

#include "ledge/base/assert.hpp"
#include "ledge/base/log.hpp"
#include "ledge/journal/journal.hpp"
#include "ledge/journal/message_references.hpp"
#include "ledge/journal/record.hpp"
#include "ledge/journal/records.hpp"
#include "ledge/journal/store_reader.hpp"
#include "ledge/session/account.hpp"
#include "ledge/session/applied_rules.hpp"
#include "ledge/session/counters.hpp"
#include "ledge/session/limits.hpp"
#include "ledge/session/memory_budget.hpp"
#include "ledge/session/message_owners.hpp"
#include "ledge/session/queue_losses.hpp"
#include "ledge/session/services.hpp"
#include "ledge/session/session_records.hpp"
#include "ledge/session/subscription_set.hpp"
#include "ledge/session/tracer.hpp"

namespace ledge::session {

SessionQueue::SessionQueue(const SessionServices& services, const SessionRecordWriter& record,
                           const SubscriptionSet& subscriptions)
    : services_(services), record_(record), subscriptions_(subscriptions) {}

SessionQueue::~SessionQueue() {
    services_.counters.queued_messages -= size();
    services_.counters.queued_bytes -= pending_.bytes();
    services_.memory.remove(MemoryKind::queues, counted_slots_);
}

bool SessionQueue::is_stored() const { return record_.number() != no_session; }

[[gnu::hot]] void SessionQueue::enqueue(Delivery delivery, const SessionLimits& limits) {
    const std::size_t bytes = delivery.publication.bytes();
    // A message that is not stored needs a row as well, because its packet id follows from the row. QoS 0 has no id.
    if (delivery.row == no_row && delivery.qos != wire::QoS::at_most_once) give_row(delivery);
    const bool is_in_tail = delivery.is_stored && pending_.goes_to_tail(bytes, limits);
    if (rules_ != nullptr) note_new(delivery, is_in_tail);
    if (!is_in_tail) return enqueue_loaded(std::move(delivery));
    count_queued(bytes);
    pending_.push_stored(delivery.row, bytes);
    tail_ticket_ = std::max(tail_ticket_, delivery.ticket);
    // The hold ends here with the delivery, as abandoned: the subscriber does not get the message for now, so only the
    // commit may release the publisher's acknowledgement.
}

[[gnu::hot]] void SessionQueue::give_row(Delivery& delivery) {
    LEDGE_ASSERT(delivery.row == no_row);
    delivery.row = ++last_row_;
    arrived_bytes_ += delivery.publication.bytes();
}

[[gnu::hot]] void SessionQueue::enqueue_loaded(Delivery delivery) {
    count_queued(delivery.publication.bytes());
    if (rules_ != nullptr) pending_.note_expiry(expires_at(delivery));
    pending_.push(std::move(delivery));
    count_slots();
}

void SessionQueue::count_queued(std::size_t bytes) {
    ++services_.counters.queued_messages;
    services_.counters.queued_bytes += bytes;
}

void SessionQueue::uncount_queued(std::size_t bytes) {
    --services_.counters.queued_messages;
    services_.counters.queued_bytes -= bytes;
}

[[gnu::hot]] Delivery SessionQueue::remove_loaded(std::size_t index) {
    Delivery delivery = pending_.pop(index);
    uncount_queued(delivery.publication.bytes());
    return delivery;
}

[[gnu::hot]] Delivery SessionQueue::dequeue() {
    Delivery delivery = remove_loaded(0);
    if (rules_ != nullptr) note_left(delivery);
    return delivery;
}

// The rows of the tail are the oldest ones when none is loaded, as after a start. One portion of them is read per call,
// so a call is short; the next call finds the next portion.
void SessionQueue::discard_expired(Instant now) {
    discard_expired_loaded(now);
    if (!pending_.is_tail_next()) return;
    refill();
    discard_expired_loaded(now);
}

void SessionQueue::discard_expired_loaded(Instant now) {
    if (pending_.earliest_expiry() > now) return;
    pending_.forget_earliest_expiry();
    // Each loaded delivery moves from the front to the back once, so the order stays.
    for (std::size_t left = pending_.loaded(); left > 0; --left) {
        Delivery delivery = remove_loaded(0);
        if (expires_at(delivery) > now || delivery.is_begun()) {
            enqueue_loaded(std::move(delivery));
        } else {
            drop_expired(delivery, 0);
            has_gaps_ = has_gaps_ || delivery.is_stored;
            if (rules_ != nullptr) note_left(delivery);
            discard(delivery);
        }
    }
}

std::optional<Delivery> SessionQueue::dequeue_oldest_droppable() {
    next();
    // A delivery that was sent before is never dropped: the client may hold its packet id.
    std::size_t index = 0;
    while (index < pending_.loaded() && pending_.at(index).is_begun()) ++index;
    if (index == pending_.loaded()) return std::nullopt;
    Delivery delivery = remove_loaded(index);
    if (rules_ != nullptr) note_left(delivery);
    note_removed(1, delivery.publication.bytes());
    has_gaps_ = has_gaps_ || index > 0;
    return delivery;
}

[[gnu::hot]] wire::PacketId SessionQueue::open_exchange(Delivery delivery, bool is_sent) {
    ++services_.counters.queued_messages;
    if (delivery.row == no_row) give_row(delivery);
    const wire::PacketId id = id_of(delivery.row);
    inflight_.open(id, std::move(delivery), is_sent);
    count_slots();
    return id;
}

[[gnu::hot]] void SessionQueue::finish_exchange(wire::PacketId id) {
    Inflight::Entry* entry = inflight_.find(id);
    LEDGE_ASSERT(entry != nullptr);
    discard(entry->delivery);
    --services_.counters.queued_messages;
    inflight_.finish(id);
}

void SessionQueue::trace_acknowledged(wire::PacketId id, std::string_view answer) {
    services_.tracer.note_delivery(TraceStage::acknowledged, record_.client_id(), inflight_.find(id)->delivery, id,
                                   answer);
}

void SessionQueue::discard(Delivery& delivery) {
    drop_row(delivery);
    delivery.hold.settle();
}

// ---------------------------------------------------------------------------------------------------------------------
// Figures

QueueRow SessionQueue::oldest_row() const {
    if (const Delivery* const oldest = inflight_.oldest()) return oldest->row;
    if (pending_.is_tail_next()) return pending_.stored_from();
    return pending_.has_loaded() ? pending_.front().row : no_row;
}

void SessionQueue::note_losses(std::uint64_t QueueLosses::*reason, std::uint64_t count) {
    if (losses_ == nullptr) losses_ = std::make_unique<QueueLosses>();
    (*losses_).*reason += count;
}

void SessionQueue::note_removed(std::uint64_t messages, std::uint64_t bytes) {
    note_losses(&QueueLosses::removed_messages, messages);
    note_losses(&QueueLosses::removed_bytes, bytes);
}

void SessionQueue::drop(std::uint64_t Counters::*reason, const Delivery& delivery, wire::PacketId id) const {
    services_.tracer.drop(reason, record_.client_id(), delivery, id);
}

void SessionQueue::drop_expired(const Delivery& delivery, wire::PacketId id) {
    drop(&Counters::dropped_expired, delivery, id);
    note_losses(&QueueLosses::expired);
    note_removed(1, delivery.publication ? delivery.publication.bytes() : 0);
}

// ---------------------------------------------------------------------------------------------------------------------
// The connection begins and ends

bool SessionQueue::begin_sending() {
    const bool has_unsent = is_stored() && size() > 0 && last_row_ > doubted_until_;
    if (has_unsent) progress_.doubted_until = journal::SendingProgress::unknown;
    return has_unsent;
}

void SessionQueue::end_sending() {
    inflight_.mark_unsent();
    // The highest row whose PUBLISH was sent: the next record of the session says so, for DUP after a restart.
    inflight_.for_each([this](wire::PacketId, const Inflight::Entry& entry) {
        if (entry.delivery.is_stored && entry.delivery.is_begun())
            sent_until_ = std::max(sent_until_, entry.delivery.row);
    });
    doubted_until_ = std::max(doubted_until_, sent_until_);
    LEDGE_ASSERT(inflight_.counted() == 0);
    shrink();
}

void SessionQueue::note_progress() {
    if (size() > 0 || progress_.doubted_until == journal::SendingProgress::unknown)
        progress_ = {sent_until_, doubted_until_, last_row_, id_shift_};
}

// ---------------------------------------------------------------------------------------------------------------------
// Records

void SessionQueue::store(Delivery& delivery, bool is_live, journal::Urgency urgency) {
    LEDGE_ASSERT(is_stored());
    journal::Journal& journal = services_.journal;
    const journal::Publication& publication = delivery.publication;
    // The publication may have a message number already although its record was removed: a retained message was stored
    // for an earlier delivery, and the record was removed with that delivery. Then it gets a new record.
    if (publication.message() == no_message || services_.references.count(publication.message()) == 0) {
        const MessageNumber message = services_.counters.traces == 0
                                          ? MessageNumber(journal.new_number())
                                          : services_.tracer.number_of_record(publication, journal);
        publication.set_message(
            message, journal.put_publication(journal::RecordKind::message, message.value(), publication, urgency));
        services_.message_owners.add(message, journal.cause(), publication.bytes());
    }
    delivery.message = publication.message();
    give_row(delivery);
    delivery.is_stored = true;
    delivery.is_live = is_live;
    services_.references.add(delivery.message);
    delivery.ticket = journal.put(journal::RecordKind::queued, record_.number(), delivery.row.value(),
                                  encode_row(delivery, journal::OutState::done, 0), urgency);
    if (services_.counters.traces != 0) [[unlikely]]
        services_.tracer.await_commit(record_.client_id(), delivery);
}

[[gnu::hot]] Ticket SessionQueue::record_state(Delivery& delivery, journal::OutState state, wire::PacketId id) {
    if (!delivery.is_stored) return no_ticket;
    LEDGE_ASSERT(state != journal::OutState::done && id != 0);
    journal::Journal& journal = services_.journal;
    // A record that no batch contains yet is changed in place, so the store writes the row once.
    Blob body = encode_row(delivery, state, id);
    if (journal.is_pending(delivery.ticket))
        journal.replace(delivery.ticket, std::move(body), journal::Urgency::now);
    else
        delivery.ticket = journal.put(journal::RecordKind::queued, record_.number(), delivery.row.value(),
                                      std::move(body), journal::Urgency::now);
    return delivery.ticket;
}

Blob SessionQueue::encode_row(const Delivery& delivery, journal::OutState state, wire::PacketId id) const {
    wire::PropertyBuilder& ids = services_.scratch.ids;
    ids.clear();
    delivery.ids.append_to(ids);
    // Without rules nothing after a restart would read the time, so the row need not grow by it.
    const std::uint32_t queued_s = rules_ == nullptr ? 0 : delivery.queued_s;
    const auto bytes = delivery.publication ? static_cast<std::uint32_t>(delivery.publication.bytes()) : 0U;
    return encode(journal::QueuedRecord{delivery.message, bytes, share_subscription_of(delivery), id, state,
                                        delivery.qos, delivery.retain, ids.view().raw(), delivery.is_live, queued_s});
}

Ticket SessionQueue::drop_row(Delivery& delivery) {
    if (!delivery.is_stored) return no_ticket;
    journal::Journal& journal = services_.journal;
    Ticket removal = no_ticket;
    if (services_.counters.traces != 0) [[unlikely]]
        services_.tracer.forget_record(delivery.ticket);
    if (journal.is_pending(delivery.ticket))
        journal.cancel(delivery.ticket);
    else
        removal =
            journal.drop(journal::RecordKind::queued, record_.number(), delivery.row.value(), journal::Urgency::lazy);
    delivery.is_stored = false;
    // The message's own record goes with the last row that refers to it, in whichever session.
    if (!services_.references.release(delivery.message)) return removal;
    services_.message_owners.remove(delivery.message);
    const Ticket ticket = delivery.publication ? delivery.publication.message_ticket() : no_ticket;
    if (ticket != no_ticket && journal.is_pending(ticket))
        journal.cancel(ticket);
    else
        journal.drop(journal::RecordKind::message, no_session, delivery.message.value(), journal::Urgency::lazy);
    if (delivery.publication) delivery.publication.set_message(no_message, no_ticket);
    return removal;
}

// The store names a shared subscription by its number within the session, because group ids hold for one run of the
// broker only.
std::uint32_t SessionQueue::share_subscription_of(const Delivery& delivery) const {
    if (delivery.share_group == no_share_group) return 0;
    const SubscriptionRef* mine = subscriptions_.find_group(delivery.share_group);
    return mine == nullptr ? 0 : mine->number;
}

std::string_view SessionQueue::full_limit(const SessionLimits& limits) const {
    if (pending_.size() >= limits.queue_stored_messages_max) return "limits.queue_stored_messages_max";
    if (pending_.loaded() >= limits.queue_messages_max) return "limits.queue_messages_max";
    return is_stored() && pending_.has_stored_tail() ? "limits.queue_stored_bytes_max" : "limits.queue_bytes_max";
}

}  // namespace ledge::session
