#include "ledge/session/live_limits.hpp"

namespace ledge::session {

SessionLimits with_live_limits(const SessionLimits& running, const SessionLimits& wanted) {
    SessionLimits limits = wanted;
    // CONNACK has told the client these limits (5.0 section 3.2.2.3). A client that obeys them must not be
    // disconnected.
    limits.max_packet_size_bytes = running.max_packet_size_bytes;
    limits.receive_maximum = running.receive_maximum;
    limits.topic_alias_max_in = running.topic_alias_max_in;
    limits.topic_alias_max_out = running.topic_alias_max_out;
    limits.maximum_qos = running.maximum_qos;
    limits.retain_available = running.retain_available;
    limits.shared_subscriptions_available = running.shared_subscriptions_available;
    limits.wildcard_subscriptions_available = running.wildcard_subscriptions_available;
    limits.max_keep_alive_s = running.max_keep_alive_s;
    // The connections of a user share token buckets and a count, which remember the limits that they were created with.
    limits.connections_per_user_max = running.connections_per_user_max;
    limits.messages_per_second = running.messages_per_second;
    limits.messages_burst = running.messages_burst;
    limits.bytes_per_second = running.bytes_per_second;
    limits.bytes_burst = running.bytes_burst;
    limits.user_messages_per_second = running.user_messages_per_second;
    limits.user_messages_burst = running.user_messages_burst;
    limits.user_bytes_per_second = running.user_bytes_per_second;
    limits.user_bytes_burst = running.user_bytes_burst;
    return limits;
}

void take_live_options(ListenerOptions& running, const ListenerOptions& wanted) {
    running.limits = with_live_limits(running.limits, wanted.limits);
    running.connections_max = wanted.connections_max;
    running.allow_anonymous = wanted.allow_anonymous;
    // Assigned to the present object, because queues refer to it.
    if (running.queue_rules && wanted.queue_rules) *running.queue_rules = *wanted.queue_rules;
}

}  // namespace ledge::session
