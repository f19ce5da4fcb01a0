// Retained messages: at most one per topic [MQTT-3.3.1-5].
#pragma once

#include <cstdint>
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
    /// has changed. $-topics (the broker's own) are not limited.
    bool store(const session::PublicationView& publication);

    void match(std::string_view filter, std::vector<topic::TopicId>& out) const { topics_.match(filter, out); }
    /// What is kept under that number now and has not expired; nullptr if nothing.
    const session::Publication* find(topic::TopicId topic, Instant now) const;

    /// Removes what has expired [MQTT-3.3.2-5]. O(n).
    void sweep(Instant now);
    bool has_expiring() const { return has_expiring_; }

    std::size_t size() const { return topics_.size(); }
    std::uint64_t bytes() const { return bytes_; }

private:
    bool fits(const session::PublicationView& publication, std::size_t replaced_bytes, bool is_new) const;
    void remove(topic::TopicId topic);

    topic::TopicTree topics_;
    std::vector<session::Publication> messages_;  // by topic
    RetainedLimits limits_;
    std::uint64_t bytes_ = 0;
    bool has_expiring_ = false;
};

}  // namespace ledge::broker
