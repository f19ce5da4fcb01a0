// Session: what the broker remembers of a client id, with or without a connection. Owned by the broker's session
// table, on the thread of its shard.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ledge/auth/authenticator.hpp"
#include "ledge/session/environment.hpp"
#include "ledge/session/inflight.hpp"
#include "ledge/session/pending_queue.hpp"
#include "ledge/session/received_ids.hpp"
#include "ledge/session/retained_feed.hpp"

namespace ledge::session {

/// The will of the present connection, or of the last one while its delay runs.
struct StoredWill {
    Publication publication;  // expires_at unset: its interval starts when it is published
    std::uint32_t delay_s = 0;
    std::uint32_t expiry_interval_s = 0;
    bool has_expiry = false;
};

inline constexpr std::uint32_t expiry_never = 0xFFFF'FFFF;  // [MQTT-3.1.2.11.2]

/// Why a publication was not kept.
enum class DropReason : std::uint8_t {
    slow_reader,  // QoS 0, outbox full
    memory,       // QoS 0, more than its share unsent while memory is short; or only memory would keep it
    queue_full,   // QoS 1/2, queue limits
};

class Session {
public:
    Session(Environment& environment, std::string client_id, const SessionLimits& limits);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    const std::string& client_id() const { return client_id_; }
    Connection* connection() const { return connection_; }
    bool is_online() const { return connection_ != nullptr; }
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
    void store(Delivery& delivery, Urgency urgency);
    void enqueue(Delivery delivery);
    /// The front of the queue. Requires pending().has_loaded().
    Delivery dequeue();
    /// Lets go of loaded deliveries that have expired [MQTT-3.3.2-5]. O(n), but only when something can have expired.
    void discard_expired(Instant now);
    /// Loads the next rows of the queue from the store when the loaded ones are used up.
    void refill();
    wire::PacketId open_exchange(Delivery delivery, bool is_sent);
    void finish_exchange(wire::PacketId id);
    /// The delivery is not owed any more, for whatever reason: its record goes, its acknowledgement waits no longer.
    void discard(Delivery& delivery);
    /// Changes the stored state of a QoS 2 exchange; the ticket to wait for, 0 when it is not stored.
    Ticket record_state(Delivery& delivery, OutState state, wire::PacketId id);
    /// Fetches the publication of a restored exchange; false when the store does not have it.
    bool load_publication(Delivery& delivery) const;

    /// Its number in the store; 0: it has no record.
    std::uint64_t number() const { return number_; }
    bool is_stored() const { return number_ != 0; }
    /// Gives it a record, or brings the record up to date; `expires_at`: `never` while connected.
    void put_record(Instant expires_at, Urgency urgency);
    /// Its record in the store goes, and what hangs on it.
    void drop_record();
    /// The queue remains in the store for the broker to take down; marks the record as ended.
    void end_record();
    /// A crash leaves it as it is: its record, in this form or an older one, is on stable storage, or it has none.
    bool is_durable() const;

    /// Continues with what the store remembers. False: the record of an exchange does not fit, it was left out.
    void restore(std::uint64_t number, std::uint64_t last_row);
    bool restore_exchange(std::uint64_t row, const Delivery& delivery, OutState state, wire::PacketId id);
    void restore_queue(std::uint64_t rows, std::uint64_t bytes, std::uint64_t from);

    Ticket put_received(wire::PacketId id);
    /// All ids of `received` are on stable storage when it is durable (those of messages that need no store left out).
    Ticket received_ticket() const { return received_ticket_; }
    void settle_received() { received_ticket_ = 0; }
    Ticket drop_received(wire::PacketId id);

    /// To be pumped again after the next commit.
    void wait_for_commit();
    void stop_waiting() { is_waiting_for_commit_ = false; }

    ReceivedIds received;
    std::unique_ptr<StoredWill> will;
    std::unique_ptr<RetainedFeed> retained_feed;  // what is still owed for new subscriptions
    std::uint32_t expiry_interval_s = 0;
    CoreTimer expiry_timer;
    CoreTimer will_timer;
    Session* next_away_ = nullptr;  // hooks of Account's order
    Session* previous_away_ = nullptr;

    /// A filter this session has subscribed to, as the broker's subscription table names it.
    struct SubscriptionRef {
        std::uint32_t filter = 0;
        std::uint32_t share_group = 0;  // 0: not shared
        std::uint32_t number = 0;       // of its record in the store
        bool names(std::uint32_t other_filter, std::uint32_t other_group) const {
            return filter == other_filter && share_group == other_group;
        }
    };
    std::vector<SubscriptionRef> subscriptions;
    std::uint32_t last_subscription_number = 0;

    /// A publication is not kept for this session. Counts it; logs the first of a run, not each.
    void note_drop(DropReason reason, const PublicationView& publication);
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
    void drop_row(Delivery& delivery);
    void load_row(const StoredDelivery& stored);
    void give_up(Delivery& delivery);
    Blob encode_row(const Delivery& delivery, OutState state, wire::PacketId id) const;
    std::uint32_t share_subscription_of(const Delivery& delivery) const;
    std::uint32_t share_group_of(std::uint32_t subscription) const;

    Environment& environment_;
    std::string client_id_;
    const SessionLimits* limits_;
    std::unique_ptr<auth::Identity> identity_;
    Account* account_ = nullptr;
    Inflight inflight_;
    PendingQueue pending_;
    Connection* connection_ = nullptr;
    std::uint64_t dropped_in_a_row_ = 0;
    std::uint64_t number_ = 0;
    std::uint64_t last_row_ = 0;            // highest position given in its stored queue
    std::uint64_t repeated_until_row_ = 0;  // rows that may have been sent before the broker's last start
    Ticket record_ticket_ = 0;              // of the record's last change
    Ticket creation_ticket_ = 0;        // of the record's first form; 0: there is none, or it is older than this run
    Ticket received_ticket_ = 0;        // of the last one's record
    std::uint64_t counted_slots_ = 0;   // slots() as in the memory budget
    std::uint32_t counted_tables_ = 0;  // table_bytes() as in the memory budget and in the account
    std::uint32_t subscription_bytes_ = 0;  // of its subscriptions
    bool is_waiting_for_commit_ = false;
    bool has_gaps_ = false;  // rows amid the loaded ones were dropped: the store may still have them
    bool is_away_ = false;   // it stands in the order of its account
};

}  // namespace ledge::session
