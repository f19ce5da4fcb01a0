// Session: everything that the broker remembers about one client id, whether the client is connected or not. Owned by
// the broker's session table; used on the thread of the shard.
//
//     SessionQueue      the messages on their way to the client
//     SubscriptionSet   the subscriptions
//     ReceivedMessages  packet ids of inbound QoS 2 messages
//     SessionRecordWriter, WillRecordWriter   the records in the store
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ledge/base/ids.hpp"
#include "ledge/session/core_timer.hpp"
#include "ledge/session/received_messages.hpp"
#include "ledge/session/services.hpp"
#include "ledge/session/session_queue.hpp"
#include "ledge/session/session_records.hpp"
#include "ledge/session/subscription_set.hpp"
#include "ledge/session/traffic.hpp"

namespace ledge::auth {
class Rights;
struct Identity;
struct Policy;
}  // namespace ledge::auth

namespace ledge::journal {
enum class Urgency : std::uint8_t;
struct SessionRecord;
struct StoredDelivery;
struct StoredWill;
}  // namespace ledge::journal

namespace ledge::session {

class Connection;
class RetainedFeed;
struct Account;
struct SessionLimits;

inline constexpr std::uint32_t expiry_never = 0xFFFF'FFFF;  // Session Expiry Interval without an end [MQTT-3.1.2.11.2]

/// Why a publication was dropped for one session.
enum class DropReason : std::uint8_t {
    slow_reader,  // QoS 0, and the outbox is full
    memory,       // memory is short: QoS 0 for a client whose unsent bytes exceed its share, or a message without a
                  // place in the store
    queue_full,   // QoS 1 or 2, and the queue has reached a limit
};
inline constexpr std::size_t drop_reasons = 3;

class Session {
public:
    Session(const SessionServices& services, std::string client_id, const SessionLimits& limits);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    const std::string& client_id() const { return record_.client_id(); }
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
    std::string_view owner() const;
    /// Computes the client's rights under the policy in force. Called when a client connects; rights() does the rest.
    void apply_policy() const;
    /// Frees the rights until they are asked for again. They keep their policy in memory, so a session that nobody asks
    /// would keep the policy of its last message for ever.
    void forget_rights();
    /// The client's rights under the policy in force: the first call after a change of the policy computes them anew.
    /// nullptr when no rules restrict the client.
    const auth::Rights* rights() const {
        if (rules_version_ != services_.policy_version) apply_policy();
        return rights_.get();
    }

    /// The publisher of a retained message, encoded as a PublicationSource in `scratch`. Empty when there are no rules,
    /// and when the login itself (a token, for instance) has granted the rights: those rights cannot be looked up
    /// later.
    Bytes source(std::vector<Byte>& scratch) const;

    /// True when the session outlives its connection, so that messages are kept while the client is offline.
    bool is_persistent() const { return expiry_interval_s > 0; }

    const SessionQueue& queue() const { return queue_; }
    SessionQueue& queue() { return queue_; }

    // Memory of the session (account.cpp).

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
    void note_offline();

    /// Bytes that are freed when the session ends. Walks through the messages in flight.
    std::uint64_t held_bytes() { return counted_tables_ + queue_.held_bytes(); }

    /// The number of the session's record in the store; no_session = the session has no record.
    SessionNumber number() const { return record_.number(); }
    bool is_stored() const { return number() != no_session; }
    const SessionRecordWriter& record() const { return record_; }
    SessionRecordWriter& record() { return record_; }
    /// The client has connected, or has lost its connection.
    void note_change(Instant now);
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

    /// The session is pumped again after the next commit.
    void wait_for_commit();
    /// The shard has removed the session from the list of those that wait.
    void stop_waiting() { is_waiting_for_commit_ = false; }

    Traffic traffic;
    ReceivedMessages received;     // inbound QoS 2
    WillRecordWriter will_record;  // used only when the session ends with its connection
    std::unique_ptr<journal::StoredWill> will;
    std::unique_ptr<RetainedFeed> retained_feed;  // retained messages to be sent for new subscriptions
    std::uint32_t expiry_interval_s = 0;
    std::uint32_t changed_s = 0;  // the client has connected, or lost its connection, at this second of the clock
    Instant expires_at = never;   // `never` while the client is connected, and for a session that does not expire
    bool is_incomplete = false;   // damage to the store has destroyed a part of the session; see Lifecycle::renew
    CoreTimer expiry_timer;
    CoreTimer will_timer;
    Session* next_offline_ = nullptr;  // intrusive hooks of Account's list of offline sessions
    Session* previous_offline_ = nullptr;

    SubscriptionSet subscriptions;
    /// The last change of a subscription's record. SUBACK and UNSUBACK wait until this ticket is durable.
    Ticket subscriptions_ticket = no_ticket;
    std::uint32_t last_subscription_number = 0;

    /// A publication is dropped for this session. Counts each one; logs only the first of a run. `message` is the
    /// number of the publication for the traces.
    void note_drop(DropReason reason, const journal::PublicationView& publication, MessageNumber message);
    /// The client keeps up again. Logs the end of a run of drops, if there was one.
    void note_recovery() {
        if (dropped_in_a_row_ > 0) end_run_of_drops();
    }

private:
    void end_run_of_drops();
    void count_drop_of_client(DropReason reason);
    void log_slow_client();
    journal::SessionRecord record_head(Instant at) const;
    /// The session outlives its connection and has a will, so its record has the will too.
    bool has_will_to_record() const { return will != nullptr && is_persistent(); }
    void leave_account();
    void leave_offline_list();
    const SessionServices& services_;
    SessionRecordWriter record_;
    SessionQueue queue_;
    const SessionLimits* limits_;
    // mutable for apply_policy(), which may add an anonymous identity
    mutable std::unique_ptr<auth::Identity> identity_;
    mutable std::unique_ptr<const auth::Rights> rights_;  // borrows the names of identity_ and of the record
    mutable std::uint64_t rules_version_ = 0;             // the policy that rights_ belongs to; 0 = none
    Account* account_ = nullptr;
    Connection* connection_ = nullptr;
    std::uint64_t dropped_in_a_row_ = 0;
    /// What the client has lost on its present connection.
    struct ClientDrops {
        std::array<std::uint64_t, drop_reasons> by_reason{};
        std::size_t queued_max = 0;  // the longest queue that a drop has met
    };
    std::unique_ptr<ClientDrops> client_drops_;  // nullptr = nothing
    std::uint32_t counted_tables_ = 0;           // table_bytes() as in the memory budget and in the account
    std::uint32_t subscription_bytes_ = 0;       // memory of the subscriptions
    std::uint32_t counted_subscriptions_ = 0;    // the part of counted_tables_ for the subscriptions
    bool is_waiting_for_commit_ = false;
    bool is_in_offline_list_ = false;  // the account has the session in its list of offline sessions
};

}  // namespace ledge::session
