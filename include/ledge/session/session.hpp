// Session: what the broker remembers of a client id, with or without a connection. Owned by the broker's session
// table, on the thread of its shard.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ledge/auth/identity.hpp"
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

inline constexpr std::uint32_t expiry_never = 0xFFFF'FFFF;  // [MQTT-3.1.2.11.2]

/// Why a publication was not kept.
enum class DropReason : std::uint8_t {
    slow_reader,  // QoS 0, outbox full
    memory,       // QoS 0, more than its share unsent while memory is short; or only memory would keep it
    queue_full,   // QoS 1/2, queue limits
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
    /// The client is connected and nothing waits for it: a QoS 1 or 2 message that is routed now is sent at once.
    bool keeps_up() const;
    const SessionLimits& limits() const { return *limits_; }

    void attach(Connection& connection, const SessionLimits& limits);
    /// The connection is gone: nothing counts as sent any more.
    void detach();

    /// Who its client is; nullptr: an anonymous one without rules, or nobody has come since the broker's start.
    const auth::Identity* identity() const { return identity_.get(); }
    void set_identity(std::unique_ptr<auth::Identity> identity);
    /// Its client has proven again who it is. False: it is somebody else now.
    bool renew_proof(const auth::Identity& identity);
    /// The proven user it belongs to; "": nobody has proven who he is, whoever comes may have it.
    std::string_view owner() const {
        return identity_ != nullptr && identity_->user ? std::string_view(*identity_->user) : std::string_view();
    }
    /// The rules that hold from now on; called again when they are replaced.
    void take_rules(const auth::Policy& policy);
    /// nullptr: it may do everything.
    const auth::Rights* rights() const { return identity_ && identity_->rights ? &*identity_->rights : nullptr; }
    bool may_receive(std::string_view topic) const {
        const auth::Rights* mine = rights();
        return mine == nullptr || mine->may_receive(topic);
    }

    /// Who publishes, for a retained message: a PublicationSource in `scratch`. Empty without rules, and where the
    /// proof itself brought rights, which nobody knows later.
    Bytes source(std::vector<Byte>& scratch) const;

    /// True when a publication for it must be kept while it is offline.
    bool is_persistent() const { return expiry_interval_s > 0; }

    /// Messages it holds: in flight and pending.
    std::size_t backlog() const { return inflight_.size() + pending_.size(); }
    const Inflight& inflight() const { return inflight_; }
    Inflight& inflight() { return inflight_; }
    const PendingQueue& pending() const { return pending_; }

    // What it holds in memory, and how it gives way when memory is short (give_way.cpp). Sizes of shared messages are
    // divided by the number of their holders; those that name messages in flight walk through them.

    /// The account it is charged to; nullptr: it is in no table yet.
    Account* account() const { return account_; }
    void charge_to(Account& account);
    /// Its client id, its will and its subscriptions.
    std::uint64_t table_bytes() const;
    /// After they may have grown or shrunk.
    void count_tables();
    void note_subscribed(std::size_t filter_bytes);
    void note_unsubscribed(std::size_t filter_bytes);
    void note_unsubscribed_from_all();
    /// It has lost its connection and stays: it stands in the order of its account until it is attached again.
    void go_away();

    /// Bytes of its queues, without messages in flight. O(1).
    std::uint64_t memory() const;
    /// Bytes of all that ends with it.
    std::uint64_t held_bytes();
    /// Bytes that unload() frees.
    std::uint64_t unloadable_bytes();
    /// What the store has of its messages is only there from now on. Nothing is lost.
    void unload();
    /// Bytes that drop_unstored() frees.
    std::uint64_t unstored_bytes();
    /// What only memory has of its messages is lost: counted, and told.
    void drop_unstored();

    // The only ways in and out of the two queues; they keep the shard's gauges, the store and the barriers.

    /// Puts the delivery's record, and the publication's when it has none, into the journal. Requires is_stored().
    void store(Delivery& delivery, journal::Urgency urgency);
    void enqueue(Delivery delivery);
    /// The front of the queue. Requires pending().has_loaded().
    Delivery dequeue();
    /// Lets go of loaded deliveries that have expired [MQTT-3.3.2-5]. O(n), but only when something can have expired.
    void discard_expired(Instant now);
    /// Loads the next rows of the queue from the store when it is their turn.
    void refill();
    /// refill(), and true when pending().front() is the queue's front. False: there is none, or its row has to be
    /// loaded and no commit has it yet.
    bool has_next();
    /// True when the packet id of the queue's front, or of the next message when the queue is empty, can be used.
    bool may_open_next() const {
        return inflight_.has_room(id_of(pending_.has_loaded() ? pending_.front().row : last_row_ + 1));
    }
    wire::PacketId open_exchange(Delivery delivery, bool is_sent);
    /// The oldest waiting delivery that may be given up to make room; nothing when no such delivery is loaded.
    std::optional<Delivery> dequeue_oldest_droppable();
    void finish_exchange(wire::PacketId id);
    /// The delivery is not owed any more, for whatever reason: its record goes, its acknowledgement waits no longer.
    void discard(Delivery& delivery);
    /// Changes the stored state of a QoS 2 exchange; the ticket to wait for, 0 when it is not stored.
    journal::Ticket record_state(Delivery& delivery, journal::OutState state, wire::PacketId id);
    /// Fetches the publication of a restored exchange; false when the store does not have it.
    bool load_publication(Delivery& delivery) const;

    /// The number of the session's record in the store; 0 = the session has no record.
    std::uint64_t number() const { return record_.number(); }
    bool is_stored() const { return number() != 0; }
    const SessionRecordWriter& record() const { return record_; }
    SessionRecordWriter& record() { return record_; }
    /// Creates the record, or brings it up to date. `at`: the end of the session, as the record tells it; `never` while
    /// the client is connected.
    void put_record(Instant at, journal::Urgency urgency);
    /// A connection is about to be attached, or was detached: brings the record up to date with what that means for
    /// the rows that may have been sent. Without a backlog it means nothing.
    void record_connection(journal::Urgency urgency);
    void record_disconnection(Instant at, journal::Urgency urgency);
    /// False: the will or the expiry has changed since the record was put.
    bool is_record_current() const;
    /// Keeps the will of a session that ends with its connection, in a record of its own, or brings that up to date.
    void put_will_record(journal::Urgency urgency);

    /// Continues with what the store remembers. `last_row`: the highest row that is there; `last_live`: the highest
    /// one that was stored while the client was connected; `record`: the session's record as put_record() has encoded
    /// it, and the end that it tells.
    void restore(std::uint64_t number, std::uint64_t last_row, std::uint64_t last_live,
                 const journal::SendingProgress& progress, Bytes record = {}, Instant expiry = never);
    /// True when the packet id that the row of an exchange has in the store is the one that follows from its position.
    bool is_own_id(std::uint64_t row, wire::PacketId id) const { return id == id_of(row); }
    /// An exchange of an older release, whose packet id followed from nothing: it is opened before all that waits.
    /// False: it does not fit, it was left out.
    bool restore_exchange(std::uint64_t row, Delivery delivery, journal::OutState state, wire::PacketId id);
    void restore_queue(std::uint64_t rows, std::uint64_t bytes, std::uint64_t from);
    /// What its record says of the rows that were sent.
    const journal::SendingProgress& progress() const { return progress_; }
    /// The first PUBLISH of what was stored before this connection has to wait for it: from then on a crash knows that
    /// the client may have seen the rows.
    journal::Ticket may_send_from() const { return may_send_from_; }

    /// To be pumped again after the next commit.
    void wait_for_commit();
    void stop_waiting() { is_waiting_for_commit_ = false; }

    ReceivedMessages received;     // inbound QoS 2
    WillRecordWriter will_record;  // of a session that ends with its connection
    std::unique_ptr<journal::StoredWill> will;
    std::unique_ptr<RetainedFeed> retained_feed;  // what is still owed for new subscriptions
    std::uint32_t expiry_interval_s = 0;
    Instant expires_at = never;  // `never` while connected, and without end
    bool is_incomplete = false;  // damage to the store has cost it a part: see Lifecycle::renew
    CoreTimer expiry_timer;
    CoreTimer will_timer;
    Session* next_away_ = nullptr;  // hooks of Account's order
    Session* previous_away_ = nullptr;

    SubscriptionSet subscriptions;
    /// Of the last change of their records: what SUBACK and UNSUBACK promise holds when it is durable.
    journal::Ticket subscriptions_ticket = 0;
    std::uint32_t last_subscription_number = 0;

    /// A publication is not kept for this session. Counts it; logs the first of a run, not each.
    void note_drop(DropReason reason, const journal::PublicationView& publication);
    /// What the store has under this row cannot be delivered.
    void note_unreadable(std::uint64_t row);
    /// It keeps up again: says so if there was a run of drops.
    void note_recovery() {
        if (dropped_in_a_row_ > 0) end_run_of_drops();
    }

    /// Gives memory back that its queues do not need.
    void shrink();

    // Scratch of the router: which hit of which publication stands for this session.
    std::uint64_t route_stamp = 0;
    std::uint32_t route_hit = 0;

private:
    void end_run_of_drops();
    journal::SessionRecord record_contents(Instant at) const;
    /// The session outlives its connection and has a will, so its record has the will too.
    bool has_will_to_record() const { return will != nullptr && is_persistent(); }
    void leave_account();
    void come_back();
    /// Bytes of the queues' slots, used or not.
    std::uint64_t slots() const;
    /// After they may have grown or shrunk.
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
    /// Packet ids follow from rows, so that a restart gives every message the id it had, without a record of it.
    wire::PacketId id_of(std::uint64_t row) const {
        return static_cast<wire::PacketId>((row - 1 + id_shift_) % Inflight::ids + 1);
    }
    bool is_restored_exchange(std::uint64_t row, wire::PacketId id);
    Sent sent_before(std::uint64_t row, journal::OutState state) const;
    void load_rows(const std::vector<journal::StoredDelivery>& rows);
    void forget_lost_tail();
    std::string_view full_limit() const;
    void load_row(const journal::StoredDelivery& stored);
    void give_up(Delivery& delivery);
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
    std::uint64_t last_row_ = 0;       // highest position given in its queue
    std::uint64_t sent_until_ = 0;     // unfinished rows up to this one were sent on an earlier connection
    std::uint64_t doubted_until_ = 0;  // those up to this one may have been sent; not less than sent_until_
    journal::SendingProgress progress_{0, 0, 0, 0};  // as the record has it
    std::uint64_t counted_slots_ = 0;                // slots() as in the memory budget
    std::uint32_t counted_tables_ = 0;               // table_bytes() as in the memory budget and in the account
    std::uint32_t subscription_bytes_ = 0;           // of its subscriptions
    journal::Ticket may_send_from_ = 0;
    journal::Ticket tail_ticket_ = 0;  // when it is durable, the store has all rows of the queue's tail
    std::uint16_t id_shift_ = 0;       // packet id - row, modulo the number of ids
    bool is_waiting_for_commit_ = false;
    bool has_gaps_ = false;  // rows amid the loaded ones were dropped: the store may still have them
    bool is_away_ = false;   // it stands in the order of its account
};

}  // namespace ledge::session
