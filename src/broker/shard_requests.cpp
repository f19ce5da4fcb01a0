// Shard: what the program asks of it while it runs: changes to its listeners, sessions for operators, and facts that
// parts of the program beside the core tell. On the shard's thread.
#include <algorithm>

#include "facts.hpp"
#include "ledge/base/assert.hpp"
#include "ledge/broker/inspect.hpp"
#include "ledge/broker/listener_figures.hpp"
#include "ledge/broker/session_facts.hpp"
#include "ledge/session/inner_clients.hpp"
#include "ledge/session/live_limits.hpp"
#include "shard_parts.hpp"

namespace ledge::broker {

// Connections and sessions refer to the options of their listener, so the change reaches them at once.
void Shard::set_limits(const Listeners& listeners) {
    for (ListenerOptions& mine : parts_->options.listeners) {
        const auto wanted = std::ranges::find(listeners, mine.name, &ListenerOptions::name);
        if (wanted == listeners.end()) continue;
        const bool has_rules = mine.queue_rules && wanted->queue_rules;
        const bool has_other_last_value = has_rules && mine.queue_rules->last_value != wanted->queue_rules->last_value;
        session::take_live_options(mine, *wanted);
        if (has_rules) parts_->lifecycle.note_changed_rules(mine, has_other_last_value);
    }
    parts_->router.set_may_refuse(parts_->options.may_refuse());
}

std::uint16_t Shard::add_listener(const ListenerOptions& listener, bool has_other_users) {
    parts_->lifecycle.set_other_users(has_other_users);
    return add_inner_listener(listener);
}

std::uint16_t Shard::add_inner_listener(const ListenerOptions& listener) {
    Parts& p = *parts_;
    p.options.listeners.push_back(listener);
    p.connections.add_listener();  // both have the same index for the new listener
    p.router.set_may_refuse(p.options.may_refuse());
    if (listener.queue_rules) p.lifecycle.note_changed_rules(p.options.listeners.back(), true);
    LEDGE_ASSERT(p.options.listeners.size() <= 0x1'0000);
    return static_cast<std::uint16_t>(p.options.listeners.size() - 1);
}

void Shard::survey_queues() { parts_->survey.begin(); }

std::vector<ListenerFigures> Shard::listener_figures() const {
    Parts& p = *parts_;
    std::vector<ListenerFigures> figures;
    for (const ListenerOptions& listener : p.options.listeners) {
        const auto index = static_cast<std::uint16_t>(figures.size());
        figures.push_back({.name = listener.name,
                           .arriving = p.connections.arriving(index),
                           .connected = p.connections.connected(index),
                           .connections_max = listener.connections_max,
                           .is_inner = session::is_inner_listener(listener.name),
                           .counters = p.connections.counters(index)});
    }
    return figures;
}

// ---------------------------------------------------------------------------------------------------------------------
// Sessions, and facts about parts of the program beside the core

Inspector Shard::inspector() const { return Inspector(*this); }

std::optional<SessionFacts> Shard::find_session(std::string_view client_id) const {
    const session::Session* const session = parts_->lifecycle.sessions().find(client_id);
    if (session == nullptr) return std::nullopt;
    return facts_of(*session, parts_->latest);
}

bool Shard::remove_session(std::string_view client_id, Instant now) {
    parts_->begin_turn(now);
    return parts_->lifecycle.remove(client_id, now);
}

std::vector<SubscriptionFacts> Shard::subscriptions_of(std::string_view client_id) const {
    std::vector<SubscriptionFacts> facts;
    const session::Session* session = parts_->lifecycle.sessions().find(client_id);
    if (session == nullptr) return facts;
    for (std::string& filter : parts_->subscriptions.filters_of(*session)) {
        const Subscriber& subscriber = parts_->subscriptions.subscriber_of(*session, filter);
        facts.push_back(facts_of(subscriber, std::move(filter)));
    }
    return facts;
}

void Shard::keep_subscriptions(std::string_view client_id, std::span<const std::string> kept, Instant now) {
    parts_->begin_turn(now);
    session::Session* const session = parts_->lifecycle.sessions().find(client_id);
    if (session == nullptr) return;
    for (const std::string& filter : parts_->subscriptions.filters_of(*session)) {
        if (std::ranges::find(kept, filter) != kept.end()) continue;
        parts_->subscriptions.remove(*session, filter);
        RetainedFeeds::forget(*session, filter);  // retained messages that are still owed for it
    }
}

std::optional<QueueFacts> Shard::find_queue(std::string_view client_id) const {
    const session::Session* session = parts_->lifecycle.sessions().find(client_id);
    if (session == nullptr) return std::nullopt;
    const session::SessionQueue& queue = session->queue();
    QueueFacts facts;
    facts.messages = queue.size();
    facts.bytes = queue.message_bytes();
    facts.waiting_messages = queue.pending().size();
    facts.waiting_bytes = queue.pending().bytes();
    facts.last_row = queue.last_row();
    facts.oldest_row = queue.oldest_row();
    facts.arrived_bytes = queue.arrived_bytes();
    if (queue.losses() != nullptr) facts.losses = *queue.losses();
    return facts;
}

session::Tracer& Shard::tracer() { return parts_->services.tracer; }

Duration Shard::sys_interval() const { return parts_->options.sys_interval; }

void Shard::publish_fact(std::string_view topic, std::string_view value, Instant now) {
    LEDGE_ASSERT(!topic.empty() && topic.front() != '/');
    parts_->begin_turn(now);
    // An operator who has turned the $SYS topics off gets none of these either.
    if (parts_->options.sys_interval > Duration::zero()) parts_->sys_topics.publish_fact(topic, value, now);
}

}  // namespace ledge::broker
