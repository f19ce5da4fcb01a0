// Retained messages: at most one per topic [MQTT-3.3.1-5]. Owned by the shard; on the shard's thread.
//
// With a store, each message above the level ram has a record there. After a start only the topics are in RAM. A
// payload is loaded from the store when a subscriber asks for it, and is kept in RAM as far as the cache allows.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "ledge/broker/retained_limits.hpp"
#include "ledge/journal/journal.hpp"
#include "ledge/topic/topic_tree.hpp"

namespace ledge::auth {
struct Policy;
}  // namespace ledge::auth

namespace ledge::journal {
class StoreReader;
struct StoredRetained;
enum class Durability : std::uint8_t;
}  // namespace ledge::journal

namespace ledge::session {
class Accounts;
class MemoryBudget;
struct Account;
}  // namespace ledge::session

namespace ledge::broker {

class Retained {
public:
    struct Services {
        session::MemoryBudget& memory;
        session::Accounts& accounts;
        const std::shared_ptr<const auth::Policy>& policy;  // the policy in force
        journal::Journal& journal;
        journal::StoreReader& store;
    };

    Retained(const Services& services, std::uint64_t seed, const RetainedLimits& limits)
        : services_(services), topics_(seed), limits_(limits) {}

    /// Keeps the publication, or removes the kept one when the payload is empty [MQTT-3.3.1-6]. Returns the ticket of
    /// the record, 0 when no record is written. `kept` is `publication` as its deliveries share it. Requires
    /// has_room_for(). $SYS topics have no limit, do not count against the limits and are not stored.
    Ticket store(const journal::Publication& kept, const journal::PublicationView& publication,
                 journal::Durability level);
    /// False when a limit would be exceeded.
    bool has_room_for(const journal::PublicationView& publication) const;

    /// The number of the topic, if a message is kept for it.
    std::optional<topic::TopicId> find(std::string_view topic) const { return topics_.find(topic); }
    /// Appends the numbers of topics that the filter matches, in the order in which the topics were first retained, in
    /// portions. Each call examines up to `looks_max` topics from `position` on, as far as they were retained by
    /// `as_of`, and advances `position`. Start with `position` 0. True while there are more topics to examine. A
    /// position keeps its meaning after a restart.
    bool match_portion(std::string_view filter, std::uint64_t& position, std::uint64_t as_of, std::size_t looks_max,
                       std::vector<topic::TopicId>& out);
    /// The position of the topic with that number; 0 when no message is kept under it.
    std::uint64_t position_of(topic::TopicId topic) const {
        return topic < messages_.size() ? messages_[topic].number : 0;
    }
    /// The message that is kept under that number. Empty when there is none, when it was stored after `as_of`, has
    /// expired, or when its publisher has lost the right to publish to the topic.
    journal::Publication load(topic::TopicId topic, std::uint64_t as_of, Instant now);
    /// The highest number given so far. Messages that are stored later get higher numbers, also after a restart.
    std::uint64_t latest() const { return services_.journal.last_number(); }

    /// Removes messages that have expired [MQTT-3.3.2-5]. O(n).
    void sweep(Instant now);
    /// False when no kept message has an expiry, so that sweep() would find nothing.
    bool has_expiring() const { return has_expiring_; }

    /// Takes one message over from the store at the start. Call end_restore() after the last one.
    void restore(const journal::StoredRetained& stored);
    void end_restore();

    /// Appends the topic with that number, which must have a message.
    void append_topic(topic::TopicId topic, std::string& out) const { topics_.append_topic(topic, out); }
    std::size_t size() const { return topics_.size(); }
    std::uint64_t bytes() const { return bytes_; }
    /// Messages and bytes that count against the limits: all but those of the $SYS topics.
    std::size_t limited_messages() const { return limited_messages_; }
    std::uint64_t limited_bytes() const { return limited_bytes_; }
    /// The key of the limit for which has_room_for() has just said no.
    std::string_view full_limit() const {
        return limited_messages_ >= limits_.messages_max ? "retained.messages_max" : "retained.bytes_max";
    }

private:
    struct Message {
        journal::Publication publication;  // empty = the message is only in the store
        std::uint64_t number = 0;          // of the record, given even without a record; grows with each new topic
        std::uint64_t stored_as = 0;       // number given to the present message; after a start equal to `number`
        Ticket ticket = no_ticket;         // of the record, if it was put since the start
        Instant expires_at = never;
        std::uint32_t bytes = 0;  // 0 = no message is kept under this topic number
        std::uint16_t owner = 0;  // number of the publisher's account
        bool is_charged = false;  // the bytes are counted in that account
        bool has_record = false;  // the store has a record, or a put of it is pending
    };

    void account(std::string_view topic, std::size_t bytes_before, std::size_t bytes_after);
    Ticket put_record(Message& message, journal::Durability level, wire::QoS qos);
    journal::Publication load(Message& message);
    journal::Publication read(const Message& message) const;
    bool is_same(const Message& message, const journal::PublicationView& publication) const;
    Ticket remove(topic::TopicId topic, journal::Urgency urgency);
    Message& at(topic::TopicId topic);
    void charge(Message& message);
    void discharge(Message& message);
    void note_arrival(std::uint64_t number, topic::TopicId topic);

    /// One topic in the order of first retention. The topic may have been removed since: see is_there().
    struct Arrival {
        std::uint64_t number = 0;
        topic::TopicId topic = 0;
    };
    bool is_there(const Arrival& arrival) const { return messages_[arrival.topic].number == arrival.number; }

    Services services_;
    topic::TopicTree topics_;
    std::vector<Message> messages_;          // by topic number
    std::vector<Arrival> arrivals_;          // in order of number; about half of them may belong to removed topics
    std::vector<topic::TopicId> looked_at_;  // scratch buffer of match_portion()
    RetainedLimits limits_;
    std::uint64_t bytes_ = 0;
    std::uint64_t cached_bytes_ = 0;    // of messages that were loaded from the store and kept, since the start
    std::size_t limited_messages_ = 0;  // without the $SYS topics
    std::uint64_t limited_bytes_ = 0;
    bool has_expiring_ = false;
};

}  // namespace ledge::broker
