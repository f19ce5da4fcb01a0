// ShardOptions: the values that a shard is constructed with. daemon/wiring fills them from the configuration. The shard
// keeps its own copy.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "ledge/base/time.hpp"
#include "ledge/broker/retained_limits.hpp"
#include "ledge/broker/share_strategy.hpp"
#include "ledge/journal/durability.hpp"
#include "ledge/journal/journal_options.hpp"
#include "ledge/session/listener_options.hpp"

namespace ledge::broker {

using session::ListenerOptions;

/// How safely publications are kept (README: durability levels). Without a store, every publication has the level ram.
struct DurabilityOptions {
    journal::Durability level = journal::Durability::durable;
    struct Override {
        std::string filter;
        journal::Durability level = journal::Durability::durable;
    };
    std::vector<Override> overrides;  // the first override whose filter matches the topic decides
    journal::JournalOptions journal;
    // Fractions of the store's ceiling. Above the first, durable publications are refused; removals are still written.
    // Publications are accepted again below the second, which is lower: otherwise the state would change with each
    // commit of a shortage.
    double refuse_above_used = 0.85;
    double accept_below_used = 0.83;
};

// A deque, because connections and sessions refer to the options of their listener: an element keeps its address when
// listeners are added.
using Listeners = std::deque<ListenerOptions>;

struct ShardOptions {
    Listeners listeners;
    ShareStrategy share_strategy = ShareStrategy::round_robin;
    RetainedLimits retained;
    DurabilityOptions durability;
    std::uint32_t connections_total_max = 0xFFFF'FFFF;  // on all listeners together; local listeners may exceed it
    std::uint32_t sessions_max = 100'000;               // connected and offline sessions together
    bool has_other_users = false;            // a listener authenticates users by other means than the password file
    std::uint64_t memory_budget_bytes = 0;   // for the whole process; 0 = unlimited
    Duration sys_interval = 10s;             // between two updates of the $SYS topics; 0 = no $SYS topics
    std::string server_version = "LedgeMQ";  // value of $SYS/broker/version
    std::string response_information_prefix = "responses/";  // Response Information in CONNACK: prefix + client id

    /// True when at least one listener has the overflow policy `refuse`: a full queue of its sessions then refuses a
    /// publication instead of dropping a message.
    bool may_refuse() const {
        for (const ListenerOptions& listener : listeners)
            if (listener.limits.overflow == session::OverflowPolicy::refuse) return true;
        return false;
    }
};

}  // namespace ledge::broker
