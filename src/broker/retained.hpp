// Retained messages: at most one per topic [MQTT-3.3.1-5].
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "ledge/broker/options.hpp"
#include "ledge/session/publication.hpp"
#include "ledge/topic/topic_tree.hpp"

namespace ledge::broker {

class Retained {
public:
    Retained(std::uint64_t seed, const RetainedLimits& limits) : topics_(seed), limits_(limits) {}

    /// Keeps it, or removes what is kept when the payload is empty [MQTT-3.3.1-6]. False: a limit is reached, nothing
    /// has changed. $SYS topics are not limited and do not count.
    bool store(const session::PublicationView& publication);

    /// The number of the topic, if something is kept for it.
    std::optional<topic::TopicId> find(std::string_view topic) const { return topics_.find(topic); }
    /// See TopicTree::match_portion.
    bool match_portion(std::string_view filter, topic::TopicId& position, std::size_t looks_max,
                       std::vector<topic::TopicId>& out) const {
        return topics_.match_portion(filter, position, looks_max, out);
    }
    /// What is kept under that number now and has not expired; nullptr if nothing.
    const session::Publication* find(topic::TopicId topic, Instant now) const;

    /// Removes what has expired [MQTT-3.3.2-5]. O(n).
    void sweep(Instant now);
    bool has_expiring() const { return has_expiring_; }

    std::size_t size() const { return topics_.size(); }
    std::uint64_t bytes() const { return bytes_; }

private:
    bool fits(const session::PublicationView& publication, std::size_t replaced_bytes, bool is_new) const;
    void account(std::string_view topic, std::size_t bytes_before, std::size_t bytes_after);
    void remove(topic::TopicId topic);

    topic::TopicTree topics_;
    std::vector<session::Publication> messages_;  // by topic
    RetainedLimits limits_;
    std::uint64_t bytes_ = 0;
    std::size_t limited_messages_ = 0;  // without the $SYS topics
    std::uint64_t limited_bytes_ = 0;
    bool has_expiring_ = false;
};

}  // namespace ledge::broker
