// AppliedRules: the rules of one session's queue, and what they need to know about the messages in the queue. Owned by
// the SessionQueue of a session with rules; on the shard's thread.
//
// For the rule `last_value` there is an index: for each topic, the place of its newest message that was not sent. It
// has at most topics_max topics. A message whose topic finds no room is kept like any other, and is never replaced.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "ledge/base/ids.hpp"
#include "ledge/base/time.hpp"

namespace ledge::journal {
class Journal;
}

namespace ledge::session {

struct QueueRules;

class AppliedRules {
public:
    static constexpr std::size_t topics_max = 10'000;                // in the index of one queue
    static constexpr std::size_t topic_bytes_max = 2 * 1024 * 1024;  // of these topics together

    /// The newest message of a topic that was not sent.
    struct Place {
        QueueRow row = no_row;
        // Only the store has the message, which is counted in the queue's tail. It is removed without being read.
        bool is_in_tail = false;
        MessageNumber message = no_message;  // of a message in the tail
        std::uint32_t bytes = 0;             // size of the publication of a message in the tail
    };

    /// The rules must outlive the object.
    explicit AppliedRules(const QueueRules& rules) : rules_(rules) {}

    // ---- excluded, excluded_client

    bool excludes_publisher(std::string_view client_id) const;
    /// The session does not get the topic if the session of other_client() gets it.
    bool leaves_to_other(std::string_view topic) const;
    const std::string& other_client() const;

    // ---- age_max

    /// The time for Delivery::queued_s.
    static std::uint32_t stamp(Instant now);
    /// When a message that was queued at `queued_s` has waited for too long; `never` = no limit applies. The age of a
    /// message without a stamp is not known, so no limit applies to it.
    Instant age_limit(std::uint32_t queued_s) const;

    // ---- last_value

    /// True: only the newest message of the topic is kept.
    bool keeps_newest(std::string_view topic) const;
    /// The place of the topic's newest message; nullptr = the index does not have the topic.
    const Place* find(std::string_view topic) const;
    /// Writes the place of the topic's newest message. A place with a lower row than the present one is ignored.
    /// Returns false when the index has no room for another topic.
    bool set(std::string_view topic, const Place& place);
    /// The message in `row` leaves the queue, or is sent.
    void forget(std::string_view topic, QueueRow row);
    /// As forget(), for a message whose topic cannot be read. O(topics).
    void forget(QueueRow row);
    /// The tail of the queue is lost.
    void forget_tail();
    /// The filters are new. The index begins anew, and the messages up to the row `last` stay whatever comes.
    void begin_anew(QueueRow last);
    /// False = the message in `row` has come before the filters: no newer message replaces it.
    bool may_replace(QueueRow row) const { return row > kept_until_; }

    // ---- Rows that were removed, and that the store may still return because no commit contains the removal yet.

    void note_removed(QueueRow row, Ticket removal, const journal::Journal& journal);
    bool is_removed(QueueRow row) const { return !removed_.empty() && removed_.contains(row); }

    /// Bytes of the index and of the removed rows, estimated.
    std::uint64_t memory() const;

private:
    const QueueRules& rules_;
    std::map<std::string, Place, std::less<>> newest_;  // by topic; strangers choose the topics, so it is no hash table
    std::size_t topic_bytes_ = 0;
    QueueRow kept_until_ = no_row;
    std::map<QueueRow, Ticket> removed_;
    std::size_t removed_check_at_ = 0;  // size of removed_ at which durable removals are looked for
};

}  // namespace ledge::session
