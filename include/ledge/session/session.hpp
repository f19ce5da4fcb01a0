// Session: everything that the broker remembers about one client id, whether the client is connected or not. Owned by
// the broker's session table; used on the thread of the shard.
//
//     Inflight          QoS 1 and 2 messages that were sent and are not acknowledged
//     PendingQueue      messages that wait to be sent
//     SubscriptionSet   the subscriptions
//     ReceivedMessages  packet ids of inbound QoS 2 messages
//     SessionRecordWriter, WillRecordWriter   the records in the store
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ledge/auth/identity.hpp"
#include "ledge/base/ids.hpp"
#include "ledge/base/log.hpp"
#include "ledge/journal/journal.hpp"
#include "ledge/journal/records.hpp"
#include "ledge/session/account.hpp"
#include "ledge/session/core_timer.hpp"
#include "ledge/session/counters.hpp"
#include "ledge/session/inflight.hpp"
#include "ledge/session/limits.hpp"
#include "ledge/session/memory_budget.hpp"
#include "ledge/session/pending_queue.hpp"
#include "ledge/session/received_messages.hpp"
#include "ledge/session/retained_feed.hpp"
#include "ledge/session/services.hpp"
#include "ledge/session/session_records.hpp"
#include "ledge/session/subscription_set.hpp"

namespace ledge::auth {
struct Policy;
}  // namespace ledge::auth

namespace ledge::session {

inline constexpr std::uint32_t expiry_never = 0xFFFF'FFFF;  // Session Expiry Interval without an end [MQTT-3.1.2.11.2]

/// Why a publication was dropped for one session.
enum class DropReason : std::uint8_t {
    slow_reader,  // QoS 0, and the outbox is full
    memory,       // memory is short: QoS 0 for a client whose unsent bytes exceed its share, or a message without a
                  // place in the store
    queue_full,   // QoS 1 or 2, and the queue has reached a limit
};

class Session {
public:
    Session(const SessionServices& services, std::string client_id, const SessionLimits& limits);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    const std::string& client_id() const { return client_id_; }
    Connection* connection() const { return connection_; }
    bool is_online() const { return connection_ != nullptr; }
    /// True when the client is connected and no message waits for it. A QoS 1 or 2 message that is routed now can then
    /// be sent at once.
    bool keeps_up() const;
    const SessionLimits& limits() const { return *limits_; }

    /// The client has connected. `limits` are those of its listener and outlive the session.
    void attach(Connection& connection, const SessionLimits& limits);
    /// The client has lost its connection. Open exchanges must be sent again on the next connection.
    void detach();

    /// The identity of the client. nullptr when the client is anonymous and there are no rules, or when no client has
    /// connected since the broker started.
    const auth::Identity* identity() const { return identity_.get(); }
    void set_identity(std::unique_ptr<auth::Identity> identity);
    /// The client has authenticated again. False when the new identity is another user; the session is unchanged then.
    bool renew_proof(const auth::Identity& identity);
    /// The proven user that the session belongs to. "" when no user was proven: any client may resume the session.
    std::string_view owner() const {
        return identity_ != nullptr && identity_->user ? std::string_view(*identity_->user) : std::string_view();
    }
    /// Computes the client's rights under `policy`. Called again when the policy is replaced.
    void take_rules(const auth::Policy& policy);
    /// nullptr when no rules restrict the client.
    const auth::Rights* rights() const { return identity_ && identity_->rights ? &*identity_->rights : nullptr; }
    bool may_receive(std::string_view topic) const {
        const auth::Rights* mine = rights();
        return mine == nullptr || mine->may_receive(topic);
    }

    /// The publisher of a retained message, encoded as a PublicationSource in `scratch`. Empty when there are no rules,
    /// and when the login itself (a token, for instance) has granted the rights: those rights cannot be looked up
    /// later.
    Bytes source(std::vector<Byte>& scratch) const;

    /// True when the session outlives its connection, so that messages are kept while the client is offline.
    bool is_persistent() const { return expiry_interval_s > 0; }

    /// Number of messages that the session holds: in flight and pending.
    std::size_t backlog() const { return inflight_.size() + pending_.size(); }
    const Inflight& inflight() const { return inflight_; }
    Inflight& inflight() { return inflight_; }
    const PendingQueue& pending() const { return pending_; }

    // Memory of the session, and how the session frees memory when memory is short (give_way.cpp). The size of a
    // message that several sessions share is divided by the number of its holders. held_bytes(), unloadable_bytes() and
    // unstored_bytes() walk through the messages in flight.

    /// The account that the session is charged to; nullptr until the session table has charged it.
    Account* account() const { return account_; }
    void charge_to(Account& account);
    /// Bytes of the client id, the will and the subscriptions.
    std::uint64_t table_bytes() const;
    /// Brings the memory budget and the account up to date after table_bytes() may have changed.
    void count_tables();
    void note_subscribed(std::size_t filter_bytes);
    void note_unsubscribed(std::size_t filter_bytes);
    void note_unsubscribed_from_all();
    /// The session remains without a connection. The account keeps it in the order of its offline sessions until the
    /// next attach().
    void go_away();

    /// Bytes of the queues, without the messages in flight. O(1).
    std::uint64_t memory() const;
    /// Bytes that are freed when the session ends.
    std::uint64_t held_bytes();
    /// Bytes that unload() frees.
    std::uint64_t unloadable_bytes();
    /// Frees the memory of messages that the store has. They are read again when their turn comes; nothing is lost.
    void unload();
    /// Bytes that drop_unstored() frees.
    std::uint64_t unstored_bytes();
    /// Drops the messages that the store does not have. They are lost: counted and logged.
    void drop_unstored();

    // Messages enter and leave the two queues only through these functions, which keep the shard's gauges, the store
    // and the acknowledgement barriers consistent.

    /// Puts the record of the delivery into the journal, and the record of its publication unless the store has one.
    /// Requires is_stored().
    void store(Delivery& delivery, journal::Urgency urgency);
    void enqueue(Delivery delivery);
    /// Removes the front of the queue and returns it. Requires pending().has_loaded().
    Delivery dequeue();
    /// Discards loaded deliveries that have expired [MQTT-3.3.2-5]. O(n), but only when one can have expired.
    void discard_expired(Instant now);
    /// Loads the next rows of the queue from the store when their turn has come.
    void refill();
    /// Calls refill(). True when pending().front() is then the front of the queue. False when the queue is empty, or
    /// when its front is a row that no commit contains yet, so that the row cannot be loaded.
    bool has_next();
    /// True when the packet id of the queue's front is free. Without a loaded front: the packet id of the next message.
    bool may_open_next() const {
        return inflight_.has_room(id_of(pending_.has_loaded() ? pending_.front().row : last_row_ + 1));
    }
    /// Moves a delivery of QoS 1 or 2 into the in-flight window and returns its packet id. `is_sent`: see
    /// Inflight::open.
    wire::PacketId open_exchange(Delivery delivery, bool is_sent);
    /// Removes the oldest waiting delivery that may be dropped to make room. Nothing when no such delivery is loaded.
    std::optional<Delivery> dequeue_oldest_droppable();
    /// Ends an open exchange. Requires that inflight() has the packet id.
    void finish_exchange(wire::PacketId id);
    /// The client need not get the delivery any more, for whatever reason. Removes its record, and ends its hold on the
    /// publisher's acknowledgement.
    void discard(Delivery& delivery);
    /// Writes the state of a QoS 2 exchange into its record. Returns the ticket to wait for; no_ticket when the
    /// delivery is not stored.
    Ticket record_state(Delivery& delivery, journal::OutState state, wire::PacketId id);
    /// Reads the publication of an exchange from the store if memory does not have it. False when the store does not
    /// have it either.
    bool load_publication(Delivery& delivery) const;

    /// The number of the session's record in the store; no_session = the session has no record.
    SessionNumber number() const { return record_.number(); }
    bool is_stored() const { return number() != no_session; }
    const SessionRecordWriter& record() const { return record_; }
    SessionRecordWriter& record() { return record_; }
    /// Creates the record, or brings it up to date. `at` = the time at which the session expires; `never` while the
    /// client is connected.
    void put_record(Instant at, journal::Urgency urgency);
    /// A connection is about to be attached, or was detached. Brings the record up to date, and notes in it which rows
    /// may have been sent. Without a backlog there is nothing to note about rows.
    void record_connection(journal::Urgency urgency);
    void record_disconnection(Instant at, journal::Urgency urgency);
    /// False when the will or the expiry interval has changed since the record was put.
    bool is_record_current() const;
    /// Creates the record that keeps only the will of a session that ends with its connection, or brings that record up
    /// to date. Requires a will, and !is_persistent().
    void put_will_record(journal::Urgency urgency);

    /// Continues from the store. `last_row` = the highest row of the session's queue in the store. `last_live` = the
    /// highest row that was stored while the client was connected. `record` = the session's record as put_record() has
    /// encoded it. `expiry` = the end of the session in that record.
    void restore(SessionNumber number, std::uint64_t last_row, std::uint64_t last_live,
                 const journal::SendingProgress& progress, Bytes record = {}, Instant expiry = never);
    /// True when `id`, the packet id of an exchange in the store, is the one that follows from the row.
    bool is_own_id(std::uint64_t row, wire::PacketId id) const { return id == id_of(row); }
    /// Opens an exchange that an older release has stored, whose packet id does not follow from its row. The exchange
    /// comes before all waiting messages. False when the in-flight window has no room for the id; the exchange is not
    /// opened then.
    bool restore_exchange(std::uint64_t row, Delivery delivery, journal::OutState state, wire::PacketId id);
    /// The queue has `rows` rows with `bytes` bytes in the store, and none below row `from`.
    void restore_queue(std::uint64_t rows, std::uint64_t bytes, std::uint64_t from);
    /// What the session's record says about the rows that were sent.
    const journal::SendingProgress& progress() const { return progress_; }
    /// The first PUBLISH of a message that was stored before this connection waits until this ticket is durable. After
    /// a crash the record then says that the client may have seen the message.
    Ticket may_send_from() const { return may_send_from_; }

    /// The session is pumped again after the next commit.
    void wait_for_commit();
    /// The shard has removed the session from the list of those that wait.
    void stop_waiting() { is_waiting_for_commit_ = false; }

    ReceivedMessages received;     // inbound QoS 2
    WillRecordWriter will_record;  // used only when the session ends with its connection
    std::unique_ptr<journal::StoredWill> will;
    std::unique_ptr<RetainedFeed> retained_feed;  // retained messages to be sent for new subscriptions
    std::uint32_t expiry_interval_s = 0;
    Instant expires_at = never;  // `never` while the client is connected, and for a session that does not expire
    bool is_incomplete = false;  // damage to the store has destroyed a part of the session; see Lifecycle::renew
    CoreTimer expiry_timer;
    CoreTimer will_timer;
    Session* next_away_ = nullptr;  // intrusive hooks of Account's list of offline sessions
    Session* previous_away_ = nullptr;

    SubscriptionSet subscriptions;
    /// The last change of a subscription's record. SUBACK and UNSUBACK wait until this ticket is durable.
    Ticket subscriptions_ticket = no_ticket;
    std::uint32_t last_subscription_number = 0;

    /// A publication is dropped for this session. Counts each one; logs only the first of a run.
    void note_drop(DropReason reason, const journal::PublicationView& publication);
    /// The stored row cannot be delivered: counts and logs it.
    void note_unreadable(std::uint64_t row);
    /// The client keeps up again. Logs the end of a run of drops, if there was one.
    void note_recovery() {
        if (dropped_in_a_row_ > 0) end_run_of_drops();
    }

    /// Frees memory that the queues do not need.
    void shrink();

    // Scratch of the router, which joins all matches of one publication with this session: the number of the last
    // publication that matched, and the index of its hit.
    std::uint64_t route_stamp = 0;
    std::uint32_t route_hit = 0;

private:
    void end_run_of_drops();
    journal::SessionRecord record_contents(Instant at) const;
    /// The session outlives its connection and has a will, so its record has the will too.
    bool has_will_to_record() const { return will != nullptr && is_persistent(); }
    void leave_account();
    void leave_away_list();
    /// Bytes of the queues' slots, used or not.
    std::uint64_t slot_bytes() const;
    /// Brings the memory budget up to date after slot_bytes() may have changed.
    void count_slots();
    void enqueue_loaded(Delivery delivery);
    void push(Delivery delivery);
    bool is_queue_unloadable() const;
    bool is_unloadable(wire::PacketId id, const Inflight::Entry& entry);
    void unload_queue();
    std::uint64_t drop_unstored_in_queue();
    std::uint64_t drop_unstored_in_flight();
    void count_queued(std::size_t bytes);
    void uncount_queued(std::size_t bytes);
    void drop_row(Delivery& delivery);
    /// The packet id follows from the row. So a restart gives every message the id that it had, and no id is recorded.
    wire::PacketId id_of(std::uint64_t row) const {
        return static_cast<wire::PacketId>((row - 1 + id_shift_) % Inflight::ids + 1);
    }
    bool is_restored_exchange(std::uint64_t row, wire::PacketId id);
    Sent sent_before(std::uint64_t row, journal::OutState state) const;
    void load_rows(const std::vector<journal::StoredDelivery>& rows);
    void forget_lost_tail();
    std::string_view full_limit() const;
    void load_row(const journal::StoredDelivery& stored);
    void drop_unreadable_row(Delivery& delivery);
    Blob encode_row(const Delivery& delivery, journal::OutState state, wire::PacketId id) const;
    std::uint32_t share_subscription_of(const Delivery& delivery) const;
    std::uint32_t share_group_of(std::uint32_t subscription) const;

    const SessionServices& services_;
    std::string client_id_;
    SessionRecordWriter record_;
    const SessionLimits* limits_;
    std::unique_ptr<auth::Identity> identity_;
    Account* account_ = nullptr;
    Inflight inflight_;
    PendingQueue pending_;
    Connection* connection_ = nullptr;
    std::uint64_t dropped_in_a_row_ = 0;
    std::uint64_t last_row_ = 0;       // the highest row that a message of this session was given
    std::uint64_t sent_until_ = 0;     // unfinished rows up to this one were sent on an earlier connection
    std::uint64_t doubted_until_ = 0;  // unfinished rows up to this one may have been sent; at least sent_until_
    journal::SendingProgress progress_{0, 0, 0, 0};  // as the record has it
    std::uint64_t counted_slots_ = 0;                // slot_bytes() as in the memory budget
    std::uint32_t counted_tables_ = 0;               // table_bytes() as in the memory budget and in the account
    std::uint32_t subscription_bytes_ = 0;           // memory of the subscriptions
    Ticket may_send_from_ = no_ticket;
    Ticket tail_ticket_ = no_ticket;  // when this ticket is durable, the store has all rows of the queue's tail
    std::uint16_t id_shift_ = 0;      // packet id minus row, modulo the number of ids
    bool is_waiting_for_commit_ = false;
    bool has_gaps_ = false;  // rows between the loaded ones were dropped, and the store may still have those rows
    bool is_away_ = false;   // the account has the session in its list of offline sessions
};

}  // namespace ledge::session
