// Shard: what operators, and parts of the program beside the core, ask about sessions, and what those parts tell.
#include "ledge/base/assert.hpp"
#include "shard_parts.hpp"

namespace ledge::broker {

std::vector<SessionFacts> Shard::list_sessions(std::string_view after, std::size_t count_max) const {
    return parts_->lifecycle.list(after, count_max, parts_->latest);
}

std::optional<SessionFacts> Shard::find_session(std::string_view client_id) const {
    return parts_->lifecycle.find(client_id, parts_->latest);
}

bool Shard::remove_session(std::string_view client_id, Instant now) {
    parts_->begin_turn(now);
    return parts_->lifecycle.remove(client_id, now);
}

std::vector<std::string> Shard::filters_of(std::string_view client_id) const {
    const session::Session* session = parts_->lifecycle.sessions().find(client_id);
    return session == nullptr ? std::vector<std::string>() : parts_->subscriptions.filters_of(*session);
}

void Shard::publish_fact(std::string_view topic, std::string_view value, Instant now) {
    LEDGE_ASSERT(!topic.empty() && topic.front() != '/');
    parts_->begin_turn(now);
    // An operator who has turned the $SYS topics off gets none of these either.
    if (parts_->options.sys_interval > Duration::zero()) parts_->sys_topics.publish_fact(topic, value, now);
}

}  // namespace ledge::broker
