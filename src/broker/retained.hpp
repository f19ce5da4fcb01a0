// Retained messages: at most one per topic [MQTT-3.3.1-5]. With a store, each has a record there; after a start only
// the topics are in RAM, a payload is loaded when it is asked for and kept as far as the cache allows.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "ledge/auth/authenticator.hpp"
#include "ledge/broker/options.hpp"
#include "ledge/journal/image.hpp"
#include "ledge/journal/journal.hpp"
#include "ledge/journal/store_reader.hpp"
#include "ledge/session/account.hpp"
#include "ledge/session/memory_budget.hpp"
#include "ledge/topic/topic_tree.hpp"

namespace ledge::broker {

class Retained {
public:
    struct Services {
        session::MemoryBudget& memory;
        session::Accounts& accounts;
        const auth::Policy& policy;
        journal::Journal& journal;
        const journal::StoreReader& store;
    };

    Retained(const Services& services, std::uint64_t seed, const RetainedLimits& limits)
        : services_(services), topics_(seed), limits_(limits) {}

    /// Keeps it, or removes what is kept when the payload is empty [MQTT-3.3.1-6]; the ticket of its record, 0: none.
    /// Requires has_room_for(). `kept` is `publication`, shared with its deliveries. $SYS topics are not limited, do not count
    /// and are not stored.
    journal::Ticket store(const journal::Publication& kept, const journal::PublicationView& publication,
                          journal::Durability level);
    /// False: a limit is reached.
    bool has_room_for(const journal::PublicationView& publication) const;

    /// The number of the topic, if something is kept for it.
    std::optional<topic::TopicId> find(std::string_view topic) const { return topics_.find(topic); }
    /// Appends the numbers of topics that the filter matches, in the order in which they came, in portions: each call
    /// looks at up to `looks_max` of them from `position` on, up to those that came by `as_of`, and moves it. Start
    /// with `position` 0. True while there is more to look at. Positions mean the same after a restart.
    bool match_portion(std::string_view filter, std::uint64_t& position, std::uint64_t as_of, std::size_t looks_max,
                       std::vector<topic::TopicId>& out);
    /// The position of the topic with that number; 0: nothing is kept under it.
    std::uint64_t position_of(topic::TopicId topic) const {
        return topic < messages_.size() ? messages_[topic].number : 0;
    }
    /// What is kept under that number, was stored up to `as_of`, has not expired, and may still be published by its
    /// source; empty if nothing.
    journal::Publication load(topic::TopicId topic, std::uint64_t as_of, Instant now);
    /// What is stored from now on has a higher number, also after a restart.
    std::uint64_t latest() const { return services_.journal.last_number(); }

    /// Removes what has expired [MQTT-3.3.2-5]. O(n).
    void sweep(Instant now);
    bool has_expiring() const { return has_expiring_; }

    /// Continues with what the store remembers.
    void restore(const journal::StoredRetained& stored);
    /// After the last one.
    void end_restore();

    std::size_t size() const { return topics_.size(); }
    std::uint64_t bytes() const { return bytes_; }
    /// What counts against the limits: without the $SYS topics.
    std::size_t limited_messages() const { return limited_messages_; }
    std::uint64_t limited_bytes() const { return limited_bytes_; }
    /// The key of the limit for which has_room_for() has just said no.
    std::string_view full_limit() const {
        return limited_messages_ >= limits_.messages_max ? "retained.messages_max" : "retained.bytes_max";
    }

private:
    struct Message {
        journal::Publication publication;  // empty: only in the store
        std::uint64_t number = 0;          // of its record, whether it has one or not; grows with each new topic
        std::uint64_t stored_as = 0;       // a number that was given when it came; after a start that of its record
        journal::Ticket ticket = 0;        // of that record, if put since the start
        Instant expires_at = never;
        std::uint32_t bytes = 0;  // 0: nothing is kept under this topic number
        std::uint16_t owner = 0;  // Account::number of its publisher
        bool is_charged = false;  // its bytes are in the accounts
        bool has_record = false;
    };

    void account(std::string_view topic, std::size_t bytes_before, std::size_t bytes_after);
    journal::Ticket put_record(Message& message, journal::Durability level, wire::QoS qos);
    journal::Publication load(Message& message);
    journal::Publication read(const Message& message) const;
    bool is_same(const Message& message, const journal::PublicationView& publication) const;
    journal::Ticket remove(topic::TopicId topic, journal::Urgency urgency);
    Message& at(topic::TopicId topic);
    void charge(Message& message);
    void discharge(Message& message);
    void note_arrival(std::uint64_t number, topic::TopicId topic);

    /// A topic that came; it may be gone.
    struct Arrival {
        std::uint64_t number = 0;
        topic::TopicId topic = 0;
    };
    bool is_there(const Arrival& arrival) const { return messages_[arrival.topic].number == arrival.number; }

    Services services_;
    topic::TopicTree topics_;
    std::vector<Message> messages_;  // by topic
    std::vector<Arrival> arrivals_;  // in order of number; at most half of them, and a few, are gone
    std::vector<topic::TopicId> looked_at_;
    RetainedLimits limits_;
    std::uint64_t bytes_ = 0;
    std::uint64_t cached_bytes_ = 0;    // loaded from the store since the start
    std::size_t limited_messages_ = 0;  // without the $SYS topics
    std::uint64_t limited_bytes_ = 0;
    bool has_expiring_ = false;
};

}  // namespace ledge::broker
