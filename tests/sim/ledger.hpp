// Ledger: the reference model. It is told every packet the broker is given, in the same order, and writes into the
// history what follows from it by the standard: which sessions exist, who is owed which publication at which QoS, which
// will is due. Naive on purpose: maps, strings and loops over everybody. Where the standard leaves room (a timer may
// fire up to `slack` late) it says neither yes nor no.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "event.hpp"
#include "ledge/broker/options.hpp"

namespace ledge::sim {

/// True if the topic filter (without $share) matches the topic; not the broker's code.
bool is_match(const std::string& filter, const std::string& topic);

struct LedgerRules {
    std::uint32_t session_expiry_v3_s = 0;
    std::uint32_t session_expiry_max_s = 0;
    bool has_store = false;
    std::vector<broker::DurabilityOptions::Override> levels{};  // the first that matches; else durable
};

class Ledger {
public:
    using Emit = std::function<void(Event)>;
    /// A timer of the broker may be late by a tick, and it may have been set up to a tick late.
    static constexpr Duration slack = 1100ms;

    Ledger(std::size_t clients, const LedgerRules& rules, Emit emit);

    /// Time passes: call before the broker is told.
    void on_time(Instant now);

    void on_connect(std::int32_t client, std::int32_t link, const wire::Connect& packet, Instant now);
    void on_publish(std::int32_t client, const wire::Publish& packet, const std::string& topic, Instant now);
    void on_pubrel(std::int32_t client, wire::PacketId id);
    /// The broker has refused the last publication, as a whole: a queue is full.
    void on_refused(std::int32_t client, wire::PacketId id);
    void on_subscribe(std::int32_t client, const wire::Subscribe& packet, Instant now);
    void on_unsubscribe(std::int32_t client, const wire::Unsubscribe& packet, Instant now);
    void on_disconnect(std::int32_t client, wire::Version version, const wire::Disconnect& packet, Instant now);
    /// The broker has begun to close the connection, or has lost it.
    void on_gone(std::int32_t client, std::int32_t link, Instant now);
    /// The connection is gone for good (after on_gone, perhaps later).
    void on_closed(std::int32_t link, Instant now);
    /// The broker has told a client: acknowledged a publication, granted a subscription, forgotten a packet id.
    void on_answer(const Event& answer);

    // Crashes. The store has exactly the state of the moment when its last commit was taken.
    void on_taken(Instant now);
    void on_stored();
    /// Nothing becomes durable any more: no session of the store changes its subscriptions.
    void on_store_failed();
    /// Everything that was only in memory is lost. `now` may be earlier than before: what the broker takes for now.
    void on_restart(Instant now);

    /// What CONNACK must say; false also when a session ends for the new connection.
    bool session_present(std::int32_t client) const { return seat(client).is_kept; }
    bool has_session(std::int32_t client) const { return seat(client).exists; }
    std::int32_t link_of(std::int32_t client) const { return seat(client).link; }
    /// False while only the broker knows whether the session has expired already.
    bool is_certain(std::int32_t client, Instant now) const;
    /// No will and no expiry is under way.
    bool is_settled(Instant now) const;

private:
    struct Subscription {
        wire::SubscribeOptions options;
        std::uint32_t id = 0;
        std::string filter;  // without $share
        bool is_shared = false;
        std::uint32_t replays = 0;  // times that the retained messages were owed for it

        bool is_same_as(const Subscription& other) const {
            return options == other.options && id == other.id && filter == other.filter;
        }
    };
    struct Will {
        Label label;
        std::string topic;
        wire::QoS qos{};
        std::uint32_t delay_s = 0;
        bool retain = false;
        std::uint16_t keep_alive_s = 0;
        bool is_of_named_client = false;  // the others come back under another client identifier
    };
    struct Seat {
        bool exists = false;
        bool is_kept = false;
        bool is_stored = false;  // has been persistent once
        std::uint32_t generation = 0;
        std::int32_t link = -1;  // -1: offline
        std::uint32_t expiry_s = 0;
        Instant ends_from = never;  // offline: the session ends between these two
        Instant ends_until = never;
        std::map<std::string, Subscription> subscriptions;
        std::set<wire::PacketId> received;            // QoS 2 packet ids without PUBREL
        std::set<wire::PacketId> unwritten_received;  // of those, in no commit yet: PUBREC did not wait for one
        std::optional<Will> will;
    };
    struct PendingWill {
        Will will;
        std::int32_t client = -1;
        std::int32_t link = -1;
        Duration span{};  // from the end of the connection
        Instant earliest{};
        Instant latest{};
        bool is_due = false;
        std::set<std::int32_t> owed{};  // sessions that have been subscribed since it became due
        bool is_deferred = false;       // by a start of the broker: whoever comes back cancels it
        bool is_alone = false;          // its session has ended with the broker
    };
    struct Retained {
        Label label;
        wire::QoS qos{};
        Instant expires_at = never;
        std::uint32_t expiry_s = 0;
        std::uint32_t size = 0;
        std::int32_t publisher = -1;
    };
    struct Record {  // of something that the store has to know
        std::string key;
        std::uint32_t number = 0;
    };
    struct Change {  // what the last publication has done to the retained messages
        Label label;
        bool is_retained = false;
        std::string topic;
        std::optional<Retained> previous;
    };
    struct Hit {
        bool any = false;
        wire::QoS qos{};
        bool retain_always = true;
        bool retain_never = true;
        std::vector<std::uint32_t> ids;
    };

    struct State {  // all that a store can hold
        std::vector<Seat> seats;
        std::vector<PendingWill> wills;
        std::map<std::string, Retained> retained;
        std::uint64_t made = 0;                        // publications so far
        std::map<std::string, std::uint32_t> numbers;  // of the last change, by key
        Instant at{};
    };
    struct Made {  // a publication that a crash may take back
        Label label;
        std::int32_t client = -1;
        wire::PacketId packet_id = 0;
        std::uint64_t number = 0;
        journal::Durability level{};
        bool is_acknowledged = false;
        Record retained;
    };

    Seat& seat(std::int32_t client) { return seats_.at(static_cast<std::size_t>(client)); }
    const Seat& seat(std::int32_t client) const { return seats_.at(static_cast<std::size_t>(client)); }
    Event event(Kind kind, std::int32_t client) const;
    void begin(std::int32_t client);
    void end(std::int32_t client, const char* why);
    void detach(std::int32_t client, Instant now);
    void take_over(std::int32_t client, bool clean_start, Instant now);
    void schedule_will(std::int32_t client, Duration span, Instant now);
    void make_due(PendingWill& pending);
    void cancel_will(const Will& will, std::int32_t client);
    void owe_will(const PendingWill& pending);
    void forget_in_wills(std::int32_t client);
    Hit find_hit(const Seat& seat, const std::string& topic, std::int32_t publisher, std::int32_t self) const;
    void route(const Event& publication, std::int32_t publisher);
    void route_groups(const Event& publication);
    void retain(const Event& publication, std::size_t payload_size, std::int32_t publisher);
    void replay(std::int32_t client, const Subscription& subscription, bool is_sure, Instant now);

    // ledger_crash.cpp
    journal::Durability level_of(const std::string& topic) const;
    void note_received(std::int32_t client, wire::PacketId id, const std::string& topic);
    void note_made(const Event& publication, std::int32_t client, wire::PacketId id);
    Record change(std::int32_t client, const std::string& what);
    void on_acknowledged(std::int32_t client, wire::PacketId id);
    Record last_change_of(std::int32_t client, const std::string& what) const;
    bool is_known_to_store(std::int32_t client, const std::string& filter) const;
    void take_back_change(std::int32_t client, const std::string& what);
    void promise(std::int32_t client, const Record& change);
    void forget_everything(Instant now);
    void take_back_publications();
    void take_back_wills(const State& before, Instant now);
    bool is_will_kept_alone(const Seat& seat) const;
    void defer_will(std::int32_t client, Instant now);
    void restore_seat(std::int32_t client, const Seat& before, Instant now);

    LedgerRules rules_;
    Emit emit_;
    std::vector<Seat> seats_;
    std::vector<PendingWill> wills_;
    std::map<std::string, Retained> retained_;
    Change last_change_;
    std::uint32_t generations_ = 0;
    bool is_store_failed_ = false;
    std::uint64_t made_ = 0;
    std::vector<Made> latest_made_;  // what is not durable yet, and what never will be
    std::uint32_t changes_ = 0;
    std::map<std::string, std::uint32_t> numbers_;                                  // of the last change, by key
    std::map<std::pair<std::int32_t, wire::PacketId>, std::vector<Record>> asked_;  // by SUBSCRIBE and UNSUBSCRIBE
    State taken_;
    State stored_;
};

}  // namespace ledge::sim
