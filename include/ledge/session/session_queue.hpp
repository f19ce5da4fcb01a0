// SessionQueue: the messages on their way to one client, in memory and in the store. Part of a Session, on the shard's
// thread; survives the connection.
//
//     PendingQueue   messages that wait to be sent
//     Inflight       QoS 1 and 2 messages that were sent and are not acknowledged
//
// Every message of QoS 1 or 2 has a row: its position in the queue, for the life of the session. The packet id follows
// from the row, so a message has the same packet id after a restart, and the store need not keep the id. Messages enter
// and leave only through the functions here. These functions keep the shard's gauges, the memory budget, the store and
// the acknowledgement barriers consistent.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "ledge/base/bytes.hpp"
#include "ledge/base/ids.hpp"
#include "ledge/journal/progress.hpp"
#include "ledge/session/inflight.hpp"
#include "ledge/session/pending_queue.hpp"

namespace ledge::journal {
enum class Urgency : std::uint8_t;
struct StoredDelivery;
}  // namespace ledge::journal

namespace ledge::session {

class AppliedRules;
class SessionRecordWriter;
class SubscriptionSet;
struct Counters;
struct QueueLosses;
struct QueueRules;
struct SessionServices;

class SessionQueue {
public:
    /// `record` has the session's number: without a number, the queue is only in memory. All three must outlive the
    /// queue.
    SessionQueue(const SessionServices& services, const SessionRecordWriter& record,
                 const SubscriptionSet& subscriptions);
    ~SessionQueue();
    SessionQueue(const SessionQueue&) = delete;
    SessionQueue& operator=(const SessionQueue&) = delete;

    /// Number of messages: in flight and pending.
    std::size_t size() const { return inflight_.size() + pending_.size(); }
    const Inflight& inflight() const { return inflight_; }
    Inflight& inflight() { return inflight_; }
    const PendingQueue& pending() const { return pending_; }

    // ---- Figures

    /// The highest row that was given to a message. Each message of QoS 1 or 2 that enters the queue raises it by one.
    QueueRow last_row() const { return last_row_; }
    /// No message that waits or is in flight has a lower row; no_row = no message has a row.
    QueueRow oldest_row() const;
    /// Bytes of the messages that have got a row since the start of the broker.
    std::uint64_t arrived_bytes() const { return arrived_bytes_; }
    /// Bytes of all messages, in flight and pending. Walks through the messages in flight.
    std::uint64_t message_bytes() const { return pending_.bytes() + inflight_.message_bytes(); }
    /// nullptr = no message was lost.
    const QueueLosses* losses() const { return losses_.get(); }
    /// `count` messages are lost that have not been in the queue, or whose removal was noted already.
    void note_losses(std::uint64_t QueueLosses::*reason, std::uint64_t count = 1);
    /// A message that has been in the queue is lost: counts it, and tells the traces. `id` is its packet id if it is in
    /// flight.
    void drop(std::uint64_t Counters::*reason, const Delivery& delivery, wire::PacketId id = 0) const;
    void drop_expired(const Delivery& delivery, wire::PacketId id = 0);

    // ---- Rules (queue_rules.hpp). Without rules, each of these functions only tests a pointer.

    /// The rules hold from now on and outlive the queue. No message that waits already is replaced by a newer one, and
    /// its age is not known unless it was noted. Requires that the queue has no rules.
    void use_rules(const QueueRules& rules);
    /// The rules have other values. If those of `last_value` are among them, no message that waits already is replaced
    /// by a newer one. Requires that the queue has rules.
    void note_changed_rules(bool has_other_last_value);
    /// nullptr = there are none.
    const AppliedRules* rules() const { return rules_.get(); }
    /// Notes in the delivery when it was queued.
    static void note_queued(Delivery& delivery, Instant now);
    /// True when the limits have room for a message of QoS 1 or 2 to the topic, also if it only fits in the place of
    /// the earlier one that it replaces.
    bool fits(std::string_view topic, std::size_t bytes, bool is_stored, const SessionLimits& limits) const {
        return pending_.fits(bytes, is_stored, limits) ||
               (rules_ != nullptr && fits_instead(topic, bytes, is_stored, limits));
    }
    /// A newer message of the topic is about to enter, and has room. If the rules keep only the newest one, the earlier
    /// message is discarded, unless it was sent. The record of the newer one comes first: otherwise the journal could
    /// be empty for a moment, and the earlier publisher would be told that its message is safe.
    void replace_earlier(std::string_view topic) {
        if (rules_ != nullptr) discard_earlier(topic);
    }
    /// True when a newer message of the topic replaces `earlier`, which has left the queue.
    bool is_earlier_value(std::string_view topic, const Delivery& earlier) const;
    /// An earlier message that has left the queue was replaced by a newer one.
    void drop_replaced(const Delivery& delivery);
    /// When the delivery leaves the queue if it was not sent: the message expires, or has waited for too long.
    Instant expires_at(const Delivery& delivery) const {
        return rules_ == nullptr ? delivery.publication.expires_at() : expires_by_rules(delivery);
    }

    // ---- Messages enter

    /// Puts the record of the delivery into the journal, and the record of its publication unless the store has one.
    /// `is_live` = the client is connected. Requires that the session has a number.
    void store(Delivery& delivery, bool is_live, journal::Urgency urgency);
    void enqueue(Delivery delivery, const SessionLimits& limits);

    // ---- Messages leave

    /// What the queue can give to the connection now.
    enum class Next : std::uint8_t {
        nothing,       // the queue is empty
        after_commit,  // the front cannot be loaded now: no commit contains its row yet, or the journal is full
        loaded,        // pending().front() is the front of the queue
    };
    /// Loads the next rows from the store when their turn has come.
    Next next();
    /// True when the packet id of the queue's front is free. Without a loaded front: the packet id of the next message.
    bool may_open_next() const {
        return inflight_.has_room(id_of(pending_.has_loaded() ? pending_.front().row : last_row_.next()));
    }
    /// Removes the front of the queue and returns it. Requires pending().has_loaded().
    Delivery dequeue();
    /// Discards loaded deliveries that have expired [MQTT-3.3.2-5]. O(n), but only when one can have expired.
    void discard_expired(Instant now);
    /// Removes the oldest waiting delivery that may be dropped to make room. Nothing when no such delivery is loaded.
    std::optional<Delivery> dequeue_oldest_droppable();
    struct Cleared {
        std::uint64_t messages = 0;
        bool is_done = false;  // no message up to the row is left
    };
    /// Discards waiting messages up to the row `until`, and QoS 0 messages before them, because an operator wants it.
    /// Exchanges that have begun stay: the client may hold their packet ids. One call discards about `count_max`
    /// messages. When it discards none and is not done, the store can return the next ones only after a commit.
    Cleared clear(QueueRow until, std::size_t count_max);
    /// The client need not get the delivery any more, for whatever reason. Removes its record, and ends its hold on the
    /// publisher's acknowledgement.
    void discard(Delivery& delivery);

    // ---- Exchanges

    /// Moves a delivery of QoS 1 or 2 into the in-flight window and returns its packet id. `is_sent`: see
    /// Inflight::open.
    wire::PacketId open_exchange(Delivery delivery, bool is_sent);
    /// Ends an open exchange. Requires that inflight() has the packet id.
    void finish_exchange(wire::PacketId id);
    /// Tells the traces that the client has acknowledged the message of an open exchange by `answer`. Only while a
    /// trace runs.
    [[gnu::cold, gnu::noinline]] void trace_acknowledged(wire::PacketId id, std::string_view answer);
    /// Writes the state of a QoS 2 exchange into its record. Returns the ticket to wait for; no_ticket when the
    /// delivery is not stored.
    Ticket record_state(Delivery& delivery, journal::OutState state, wire::PacketId id);
    /// Reads the publication of an exchange from the store if memory does not have it. False when the store does not
    /// have it either.
    bool load_publication(Delivery& delivery) const;
    /// The stored row cannot be delivered: counts and logs it.
    void drop_unreadable(const Delivery& delivery) const;

    // ---- The connection begins and ends. The session's record says which rows the client may have seen.

    /// The next messages are about to be sent to a client. Returns true when rows wait that were never sent: the record
    /// must then say, before the first of them leaves, that the client may have seen them. Otherwise a crash would
    /// forget it. progress() says so from now on.
    bool begin_sending();
    /// The first PUBLISH of a stored message waits until this ticket is durable. no_ticket = it does not wait.
    void send_from(Ticket ticket) { may_send_from_ = ticket; }
    Ticket may_send_from() const { return may_send_from_; }
    /// The connection has ended. Open exchanges must be sent again on the next connection.
    void end_sending();
    /// The record of a session without a connection is about to be written: progress() is brought up to date. Without a
    /// backlog there is nothing to note, except that an earlier "any row may have been sent" is over.
    void note_progress();
    /// What the session's record says about the rows that were sent.
    const journal::SendingProgress& progress() const { return progress_; }

    // ---- The store as the broker's start has found it

    /// `last_row` = the highest row of the queue in the store. `last_live` = the highest row that was stored while the
    /// client was connected.
    void restore(QueueRow last_row, QueueRow last_live, const journal::SendingProgress& progress);
    /// True when `id`, the packet id of an exchange in the store, is the one that follows from the row.
    bool is_own_id(QueueRow row, wire::PacketId id) const { return id == id_of(row); }
    /// Opens an exchange that an older release has stored, whose packet id does not follow from its row. The exchange
    /// comes before all waiting messages. False when the in-flight window has no room for the id; the exchange is not
    /// opened then.
    bool restore_exchange(QueueRow row, Delivery delivery, journal::OutState state, wire::PacketId id);
    /// The queue has `rows` rows with `bytes` bytes in the store, and none below row `from`.
    void restore_rows(std::uint64_t rows, std::uint64_t bytes, QueueRow from);

    // ---- Memory. The size of a message that several sessions share is divided by the number of its holders. The
    // functions that are not const walk through the messages in flight.

    /// Bytes of the queues, without the messages in flight. O(1).
    std::uint64_t memory() const { return slot_bytes() + pending_.loaded_bytes(); }
    /// Bytes that are freed when the queue ends.
    std::uint64_t held_bytes();
    /// Bytes that unload() frees.
    std::uint64_t unloadable_bytes();
    /// Frees the memory of messages that the store has. They are read again when their turn comes; nothing is lost.
    void unload();
    /// Bytes that drop_unstored() frees.
    std::uint64_t unstored_bytes();
    /// Drops the messages that the store does not have. They are lost: counted and logged.
    void drop_unstored();
    /// Frees memory that the queues do not need.
    void shrink();
    /// The configuration key of the limit that the queue has reached.
    std::string_view full_limit(const SessionLimits& limits) const;

private:
    bool is_stored() const;
    /// The packet id follows from the row. So a restart gives every message the id that it had, and no id is recorded.
    wire::PacketId id_of(QueueRow row) const {
        return static_cast<wire::PacketId>((row.value() - 1 + id_shift_) % Inflight::ids + 1);
    }

    // session_queue.cpp
    void give_row(Delivery& delivery);
    void enqueue_loaded(Delivery delivery);
    void discard_expired_loaded(Instant now);
    Delivery remove_loaded(std::size_t index);
    void count_queued(std::size_t bytes);
    void uncount_queued(std::size_t bytes);
    void note_removed(std::uint64_t messages, std::uint64_t bytes);
    /// Returns the ticket of the removal; no_ticket when the store never had the row.
    Ticket drop_row(Delivery& delivery);
    Blob encode_row(const Delivery& delivery, journal::OutState state, wire::PacketId id) const;
    std::uint32_t share_subscription_of(const Delivery& delivery) const;

    // session_queue_rules.cpp
    Instant expires_by_rules(const Delivery& delivery) const;
    bool fits_instead(std::string_view topic, std::size_t bytes, bool is_stored, const SessionLimits& limits) const;
    void discard_earlier(std::string_view topic);
    void discard_replaced(Delivery& delivery);
    void skip_removed(QueueRow row);
    bool is_replaced(const Delivery& delivery) const;
    bool is_removed(QueueRow row) const;
    [[nodiscard]] bool note_newest(const Delivery& delivery, bool is_in_tail);
    void note_new(const Delivery& delivery, bool is_in_tail);
    void note_loaded(const Delivery& delivery);
    void note_left(const Delivery& delivery);
    void index_stored_rows();
    void index_stored_row(const journal::StoredDelivery& stored);

    // session_queue_rows.cpp
    void refill();
    void load_rows(const std::vector<journal::StoredDelivery>& rows);
    void load_row(const journal::StoredDelivery& stored);
    bool is_restored_exchange(QueueRow row, wire::PacketId id);
    Sent sent_before(QueueRow row, journal::OutState state) const;
    ShareGroupId share_group_of(std::uint32_t subscription) const;
    void forget_lost_tail();
    void drop_unreadable_row(Delivery& delivery);

    // session_queue_memory.cpp
    /// Bytes of the slots, used or not.
    std::uint64_t slot_bytes() const { return pending_.memory() + inflight_.memory() + (rules_ ? rules_memory() : 0); }
    std::uint64_t rules_memory() const;
    /// Brings the memory budget up to date after slot_bytes() may have changed.
    void count_slots();
    bool is_unloadable() const;
    bool is_unloadable(wire::PacketId id, const Inflight::Entry& entry);
    void unload_pending();
    std::uint64_t drop_unstored_pending();
    std::uint64_t drop_unstored_in_flight();

    const SessionServices& services_;
    const SessionRecordWriter& record_;
    const SubscriptionSet& subscriptions_;
    Inflight inflight_;
    PendingQueue pending_;
    std::unique_ptr<AppliedRules> rules_;  // nullptr = there are none
    QueueRow last_row_ = no_row;           // the highest row that a message of this session was given
    QueueRow sent_until_ = no_row;         // unfinished rows up to this one were sent on an earlier connection
    QueueRow doubted_until_ = no_row;      // unfinished rows up to this one may have been sent; at least sent_until_
    journal::SendingProgress progress_{no_row, no_row, no_row, 0};  // as the record has it
    std::uint64_t counted_slots_ = 0;                               // slot_bytes() as in the memory budget
    std::uint64_t arrived_bytes_ = 0;
    std::unique_ptr<QueueLosses> losses_;  // nullptr = no message was lost
    Ticket may_send_from_ = no_ticket;
    Ticket tail_ticket_ = no_ticket;  // when this ticket is durable, the store has all rows of the queue's tail
    std::uint16_t id_shift_ = 0;      // packet id minus row, modulo the number of ids
    bool has_gaps_ = false;  // rows between the loaded ones were dropped, and the store may still have those rows
};

}  // namespace ledge::session
